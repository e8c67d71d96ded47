"""Every rule of the extended-state model, each with a text that breaks it: the list that `run` goes through.

One mutation breaks one rule. Together they say what of the model is held by something: a recorded vector, or a test.
"""

from tests.mutation import (
    of_control,
    of_descriptions,
    of_faults,
    of_memory,
    of_restore,
    of_save,
    of_tiles,
    of_tracking,
)
from tests.mutation.mutation import Mutation

MUTATIONS: tuple[Mutation, ...] = (
    *of_faults.MUTATIONS,
    *of_save.MUTATIONS,
    *of_restore.MUTATIONS,
    *of_control.MUTATIONS,
    *of_tiles.MUTATIONS,
    *of_tracking.MUTATIONS,
    *of_memory.MUTATIONS,
    *of_descriptions.MUTATIONS,
)
