"""Every word of the protocol survives JSON and MessagePack, typed as it was, and nothing else is let in."""

import types
import typing
from enum import Enum

import msgspec
import pytest
from hypothesis import strategies as st

from protocol.areas import UNMAPPED, MemoryOperand
from protocol.handles import Cell, Program
from protocol.instructions import Instruction, Rdmsr, Store, Tileloadd, Wrmsr, Xrstor, Xsaves
from protocol.records import Record
from protocol.registers import Uint64, Vector
from protocol.replies import PageFault, Reply, Value
from protocol.tokens import TokenBody
from tests.drawn import both

TEXT = st.text(max_size=12)
SCALARS = {
    int: st.integers(0, 2**64 - 1),
    bool: st.booleans(),
    str: TEXT,
    bytes: st.binary(max_size=12),
    type(None): st.none(),
}


def values_of(annotation):  # a return a kind of annotation
    """A strategy for the values of a protocol annotation."""
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if annotation in SCALARS:
        return SCALARS[annotation]
    if origin is typing.Annotated:
        return limited(args[0], args[1])
    if origin is typing.Literal:
        return st.sampled_from(args)
    if origin is tuple:
        if args[-1] is Ellipsis:
            return st.lists(values_of(args[0]), max_size=3).map(tuple)
        return st.tuples(*map(values_of, args))
    if origin in {typing.Union, types.UnionType}:
        return st.one_of(*map(values_of, args))
    if issubclass(annotation, Enum):
        return st.sampled_from(list(annotation))
    hints = typing.get_type_hints(annotation, include_extras=True)
    fields = {field: values_of(hints[field]) for field in annotation.__struct_fields__}
    return st.builds(annotation, **fields)


def limited(base, meta):
    assert base is int
    return st.integers(meta.ge if meta.ge is not None else 0, meta.le if meta.le is not None else 2**64 - 1)


def test_the_generator_reaches_every_instruction_and_reply():
    members = {*typing.get_args(Instruction), *typing.get_args(Reply)}
    assert len(members) >= 30
    assert all(issubclass(member, msgspec.Struct) and member.__struct_config__.frozen for member in members)


@pytest.mark.parametrize(
    "word", [Instruction, Reply, Record, TokenBody], ids=["instruction", "reply", "record", "token"]
)
@both(30, 100, data=st.data())
def test_round_trip(word, data):
    value = data.draw(values_of(word))
    for codec in (msgspec.json, msgspec.msgpack):
        again = codec.decode(codec.encode(value), type=word)
        assert again == value
        assert repr(again) == repr(value), "equal, but of another type: True for 1"


@pytest.mark.parametrize("tag", ["op", "type"])
def test_tags_tell_the_members_of_a_union_apart(tag):
    union = Instruction if tag == "op" else Reply
    tags = [member.__struct_config__.tag for member in typing.get_args(union)]
    assert len(set(tags)) == len(tags)
    assert {member.__struct_config__.tag_field for member in typing.get_args(union)} == {tag}


@pytest.mark.parametrize(
    "text",
    [
        '{"op":"rdmsr","msr":-1}',
        '{"op":"rdmsr","msr":"452"}',
        '{"op":"rdmsr","msr":true}',
        '{"op":"rdmsr"}',
        '{"op":"rdmsr","msr":18446744073709551616}',
        '{"op":"wrmsr","msr":452,"value":18446744073709551616}',
        '{"op":"vmwrite","vcpu":"v","result":18446744073709551616}',
        '{"op":"wrpkru","value":4294967296}',
        '{"op":"movq","register":16,"value":0}',
        '{"op":"movqfrom","register":16}',
        '{"op":"vpbroadcastq","register":0,"value":0,"width":128}',
        '{"op":"tdpbssd","dst":0,"src1":1,"src2":8}',
        '{"op":"store","cell":{"type":"cell","name":"x"},"value":{"type":"xsave_area","xstate_bv":18446744073709551616}}',
        '{"op":"store","cell":{"type":"cell","name":"x"},"value":{"type":"msr_area","entries":[{"index":1,"value":18446744073709551616}]}}',
        '{"op":"vmcontrol","vcpu":"v","controls":{"type":"controls","wrmsr_exiting":[18446744073709551616]}}',
        '{"op":"tileloadd","tile":8,"data":""}',
        '{"op":"externalinterrupt","vector":31}',
        '{"op":"xsave","rfbm":0,"area":{"type":"program","name":"x"}}',
        '{"op":"xsave","rfbm":0,"area":{"type":"memory","area":{"type":"cell","name":"x"},"encoding":"rep"}}',
        '{"op":"xsave","rfbm":0,"area":{"type":"memory","area":{"type":"cell","name":"x"},"address":18446744073709551616}}',
        '{"op":"store","cell":{"type":"cell","name":"x"},"value":{"type":"pages","absent":[[1]]}}',
        '{"op":"lfence"}',
        '{"msr":452}',
    ],
)
def test_what_is_no_instruction_is_refused(text):
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(text, type=Instruction)


@pytest.mark.parametrize(
    "text",
    [
        '{"type":"fault","vector":255}',
        '{"type":"page_fault","vector":14,"address":18446744073709551616}',
        '{"type":"value","value":1.5}',
        '{"type":"retry"}',
    ],
)
def test_what_is_no_reply_is_refused(text):
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(text, type=Reply)


@pytest.mark.parametrize(
    ("word", "text"),
    [
        (Rdmsr(0x1C4), '{"op":"rdmsr","msr":452}'),
        (Wrmsr(0x1C5, 0x40000), '{"op":"wrmsr","msr":453,"value":262144}'),
        (Store(Cell("x"), value=True), '{"op":"store","cell":{"type":"cell","name":"x"},"value":true}'),
        (Tileloadd(0, b"\x01"), '{"op":"tileloadd","tile":0,"data":"AQ=="}'),
        (
            Xsaves(0x40000, Cell("fpstate")),
            '{"op":"xsaves","rfbm":262144,"area":{"type":"cell","name":"fpstate"},"rexw":true}',
        ),
        (
            Xrstor(7, MemoryOperand(Cell("a"), Cell("p"), 64)),
            '{"op":"xrstor","rfbm":7,"area":{"type":"memory","area":{"type":"cell","name":"a"},"pages":{"type":"cell","name":"p"},"address":64,"encoding":""},"rexw":true}',
        ),
        (
            Store(Cell("x"), UNMAPPED),
            '{"op":"store","cell":{"type":"cell","name":"x"},"value":{"type":"pages","absent":[[0,4294967296]],"read_only":[]}}',
        ),
        (
            PageFault(Vector.PF, 6, 3, 4096, Cell("x")),
            '{"type":"page_fault","vector":14,"error_code":6,"cpl":3,"address":4096,"area":{"type":"cell","name":"x"}}',
        ),
        (Value(7), '{"type":"value","value":7}'),
    ],
)
def test_how_a_few_are_spelt(word, text):
    assert msgspec.json.encode(word).decode() == text


def words_of_64_bits():
    """Every instruction with a register operand, as (type, field)."""
    for cls in typing.get_args(Instruction):
        hints = typing.get_type_hints(cls, include_extras=True)
        for field in cls.__struct_fields__:
            if hints[field] in (Uint64, Uint64 | None):
                yield pytest.param(cls, field, id=f"{cls.__name__}.{field}")


@pytest.mark.parametrize(("cls", "field"), list(words_of_64_bits()))
@pytest.mark.parametrize("value", [-1, 2**64])
def test_a_register_has_64_bits_also_where_a_program_makes_the_message(cls, field, value):
    hints = typing.get_type_hints(cls)
    simple = {
        Cell: Cell("a"),
        Cell | MemoryOperand: Cell("a"),
        str: "v",
        int: 1,
        bool: True,
        Vector: Vector.PF,
    }
    others = {one: simple[hints[one]] for one in cls.__struct_fields__ if hints[one] in simple}
    assert cls(**others | {field: 2**64 - 1})
    with pytest.raises(ValueError, match="not an unsigned 64-bit word"):
        cls(**others | {field: value})


def test_words_are_frozen():
    with pytest.raises(AttributeError):
        Rdmsr(1).msr = 2


def test_the_cells_and_labels_of_a_program_bear_its_name():
    program = Program("qemu.0")
    assert program.life == Cell("life of qemu.0")
    assert program.placement == Cell("placement of qemu.0")
    assert (program.label("inside").program, program.label("inside").name) == ("qemu.0", "inside")
