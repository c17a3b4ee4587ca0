import io
import os
import sys
from pathlib import Path

import pytest

from bootstrap.command import CommandFailed, ask, attend, become, work
from bootstrap.progress import Step, step


class Notes(Step):
    def __init__(self) -> None:
        super().__init__("working", io.StringIO(), lambda: 0.0)
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text.strip())


def test_each_line_of_a_working_program_is_told_to_the_step() -> None:
    shown = Notes()

    work(["sh", "-c", "echo one; echo; echo two >&2"], shown)

    assert shown.notes == ["one", "two"]


def test_a_program_that_fails_is_quoted_with_its_last_words() -> None:
    with pytest.raises(CommandFailed) as failed:
        work(["sh", "-c", "echo compiling; echo 'no space' >&2; exit 3"], Notes())

    assert (failed.value.reason, str(failed.value)) == (
        "no space",
        "`sh -c 'echo compiling; echo '\"'\"'no space'\"'\"' >&2; exit 3'` ended with status 3"
        "\n    compiling\n    no space",
    )


def test_a_program_that_is_not_there_is_named() -> None:
    with pytest.raises(
        CommandFailed, match="`/no/such` did not start: No such file or directory: /no/such"
    ):
        work(["/no/such"], Notes())


def test_a_program_that_does_not_answer_is_given_up() -> None:
    with pytest.raises(CommandFailed, match=r"gave no answer in 0\.05 s"):
        ask(["sleep", "60"], seconds=0.05)


def test_a_question_is_answered_by_standard_output_alone() -> None:
    assert ask(["sh", "-c", "echo warning >&2; echo answer"]) == "answer\n"


@pytest.mark.parametrize(("script", "status"), [("exit 7", 7), ("kill -TERM $$", 143)])
def test_the_exit_status_of_an_attended_program_is_kept(
    script: str, status: int, tmp_path: Path
) -> None:
    assert attend(["sh", "-c", script], env=os.environ, cwd=tmp_path) == status


def test_becoming_a_program_that_is_not_there_says_so() -> None:
    with pytest.raises(CommandFailed, match="did not start"):
        become(["no-such-program"], env={"PATH": "/nowhere"})


def test_a_program_is_ended_with_the_work_that_needs_it() -> None:
    class Interrupting(Notes):
        def note(self, text: str) -> None:
            self.notes.append(text.strip())
            raise KeyboardInterrupt

    shown = Interrupting()

    with pytest.raises(KeyboardInterrupt), step("working", stream=io.StringIO()):
        work([sys.executable, "-uc", "import os, time; print(os.getpid()); time.sleep(60)"], shown)

    with pytest.raises(ProcessLookupError):
        os.kill(int(shown.notes[0]), 0)
