"""Completion: what a shell really offers, and that no command or option is missing."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest

from lamina.cli.completion import SHELLS
from lamina.cli.main import main, make_parser

COMMANDS = make_parser().commands()

bash = pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")


@pytest.fixture(scope="module")
def script():
    return SHELLS["bash"](make_parser())


@pytest.fixture
def offered(script, tmp_path):
    """What bash offers for words, the last of which is to be completed; in a folder with files."""
    for name in ("digits.toml", "notes.txt", "two words.toml", "x.npy"):
        (tmp_path / name).touch()
    (tmp_path / "runs/a").mkdir(parents=True)

    def offered(*words):
        program = (
            f'{script}\nCOMP_WORDS=(lamina "$@")\nCOMP_CWORD=$#\n_lamina\n'
            'printf "%s\\n" "${COMPREPLY[@]}"\n'
        )
        done = subprocess.run(
            ["bash", "--norc", "-c", program, "bash", *words],
            capture_output=True, text=True, check=False, cwd=tmp_path,
        )  # fmt: skip
        assert done.stderr == ""
        return set(done.stdout.split("\n")) - {""}

    return offered


@bash
@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["tr"], {"train"}),
        (["d"], {"demo", "doctor", "diff"}),
        (["--v"], {"--version"}),
        (["train", "--ch"], {"--check"}),
        (["train", "a.toml", "--over"], {"--overwrite"}),
        (["train", ""], {"digits.toml", "two words.toml", "runs"}),
        (["train", "dig"], {"digits.toml"}),
        (["train", "digits.toml", ""], set()),
        (["resume", ""], {"runs"}),
        (["resume", "runs/"], {"runs/a"}),
        (["diff", "runs/a", "ru"], {"runs"}),
        (["report", "runs/a", "runs/"], {"runs/a"}),
        (["predict", "runs/a", "x"], {"x.npy"}),
        (["predict", "runs/a", "x.npy", "--out", "no"], {"notes.txt"}),
        (["report", "--language", ""], {"en", "zh"}),
        (["bench", "--seconds", ""], set()),
        (["completion", ""], {"bash", "zsh", "fish"}),
        (["info", ""], set()),
        (["nonsense", ""], set()),
    ],
    ids=lambda x: " ".join(x) if isinstance(x, list) else "",
)  # fmt: skip
def test_bash_offers_what_may_follow(words, found, offered):
    assert offered(*words) == found


@bash
def test_bash_offers_every_command(offered):
    assert offered("") >= set(COMMANDS)


@bash
@pytest.mark.parametrize("command", COMMANDS)
def test_bash_offers_every_option(command, offered):
    assert offered(command, "-") == set(COMMANDS[command].options)


@bash
def test_bash_knows_the_command_after_the_script_is_read(script):
    done = subprocess.run(
        ["bash", "--norc", "-c", f"{script}\ncomplete -p lamina"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "complete -o filenames -F _lamina lamina\n"


@pytest.mark.parametrize("shell", SHELLS)
def test_every_script_names_every_command_and_every_long_option(shell):
    text = SHELLS[shell](make_parser())
    for name, command in COMMANDS.items():
        assert name in text
        for option in command.options:
            assert (f"-l {option[2:]}" if shell == "fish" else option) in text


@pytest.mark.parametrize("shell", SHELLS)
def test_every_script_is_one_that_its_shell_can_read(shell, tmp_path):
    if shutil.which(shell) is None:
        pytest.skip(f"there is no {shell}")
    path = tmp_path / "script"
    path.write_text(SHELLS[shell](make_parser()), encoding="utf-8")
    done = subprocess.run([shell, "-n", str(path)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(shutil.which("fish") is None, reason="there is no fish")
@pytest.mark.parametrize(
    ("line", "first"),
    [("lamina tra", "train\t"), ("lamina train --ch", "--check\t"), ("lamina completion z", "zsh")],
)
def test_fish_offers_what_may_follow(line, first, tmp_path):
    (tmp_path / "lamina.fish").write_text(SHELLS["fish"](make_parser()), encoding="utf-8")
    program = f"source lamina.fish; complete -C '{line}'"
    done = subprocess.run(
        ["fish", "--no-config", "-c", program],
        capture_output=True, text=True, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert done.stderr == ""
    assert done.stdout.startswith(first)


@pytest.mark.parametrize("shell", SHELLS)
def test_the_command_prints_the_script(shell, capsys):
    assert main(["completion", shell]) == 0
    assert capsys.readouterr().out == SHELLS[shell](make_parser())
    assert main(["completion", shell, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["script"] == SHELLS[shell](make_parser())


def test_an_unknown_shell_is_wrong_usage(capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["completion", "tcsh"])
    assert "argument shell: invalid choice: 'tcsh'" in capsys.readouterr().err
