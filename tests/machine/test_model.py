import pytest

from actors.machine.model import HYPOTHETICAL, PRESETS, TILECFG, TILEDATA, cpu_model
from actors.runtime.errors import VmraceError
from protocol.registers import Component


def test_tiles_are_components_17_and_18_and_the_mails_second_one_is_19():
    assert (TILECFG, TILEDATA, HYPOTHETICAL) == (1 << 17, 1 << 18, 1 << 19)


@pytest.mark.parametrize(
    ("name", "dynamic"),
    [
        ("emerald_rapids", ()),
        ("sapphire_rapids", (Component.TILEDATA,)),
        ("mail_2021", (Component.TILEDATA, Component.APX)),
    ],
)
def test_the_dynamic_features_of_each_cpu(name, dynamic):
    assert cpu_model(name).dynamic == dynamic


def test_what_xfd_can_disable_is_something_that_xcr0_can_enable():
    for model in PRESETS.values():
        assert model.xfd_capable & ~model.xcr0 == 0


def test_the_manual_and_the_mails_premise_are_the_defaults_and_can_be_chosen_otherwise():
    assert (cpu_model("mail_2021").xfd_err, cpu_model("mail_2021").xfd_set) == ("load", "keep")
    other = cpu_model("mail_2021", "accumulate", "undefined")
    assert (other.name, other.xfd_err, other.xfd_set) == ("mail_2021", "accumulate", "undefined")
    assert cpu_model("mail_2021").xfd_err == "load", "the presets are not changed by it"


def test_under_architectural_tracking_setting_xfd_leaves_data_undefined_unless_somebody_says_otherwise():
    assert cpu_model("sapphire_rapids", tracking="architectural").xfd_set == "undefined"
    assert cpu_model("sapphire_rapids", xfd_set="keep", tracking="architectural").xfd_set == "keep"
    assert cpu_model("sapphire_rapids", tracking="by_value").xfd_set == "keep"
    assert cpu_model("sapphire_rapids").tracking == "recorded"


def test_a_model_tells_the_masks_of_its_description():
    model = cpu_model("mail_2021")
    assert (model.name, model.xcr0, model.xss) == ("mail_2021", 0xE02E7, 0xDD00)


def test_an_unknown_cpu_is_refused_with_those_that_there_are():
    with pytest.raises(VmraceError, match=r"'pentium'.*emerald_rapids, sapphire_rapids, mail_2021"):
        cpu_model("pentium")
