"""tools/environment.sh, with an interpreter that only writes down what it is asked to do."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "tools" / "environment.sh"

FAKE_PYTHON = """#!/bin/sh
version={version}
case "$*" in
*sys.exit*) [ "$version" != 3.10 ] ;;
*print*) echo "$version" ;;
"-m venv --clear --without-pip "*) mkdir -p "$5/bin" && cp "$0" "$5/bin/python" ;;
"-m venv --clear "*)
    echo "venv $version" >>"$LOG"
    [ ! -f no-ensurepip ] || exit 1
    rm -rf "$4" && mkdir -p "$4/bin" && cp "$0" "$4/bin/python" ;;
"-m pip --version") [ ! -f no-pip ] ;;
"-m pip "*) echo "$*" | sed 's/--disable-pip-version-check //' >>"$LOG" && [ ! -f offline ] ;;
esac
"""


class Project:
    """A folder with a pyproject.toml, and a PATH with nothing but fake interpreters."""

    def __init__(self, root: Path):
        self.root, self.path = root, root / "path"
        self.path.mkdir(parents=True)
        self.log = root / "log"
        (root / "pyproject.toml").write_text("first\n")
        for tool in ("cat", "cmp", "cp", "mkdir", "rm", "sed", "touch"):
            (self.path / tool).symlink_to(shutil.which(tool))

    def interpreter(self, name: str = "python3", version: str = "3.12") -> Project:
        (self.path / name).write_text(FAKE_PYTHON.replace("{version}", version))
        (self.path / name).chmod(0o755)
        return self

    def run(self, *arguments: str, **environment: str) -> tuple[int, str, list[str]]:
        """Exit code, what it said, and what the interpreters were asked in this run."""
        self.log.write_text("")
        done = subprocess.run(
            [shutil.which("sh"), SCRIPT, *arguments],
            cwd=self.root,
            env={"PATH": str(self.path), "LOG": str(self.log), **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stderr, self.log.read_text().splitlines()


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project").interpreter()


INSTALL_TEST = "-m pip install --quiet -e .[test]"


def test_a_first_run_makes_the_environment_and_installs_the_extra(project):
    code, said, asked = project.run("test")
    assert (code, asked) == (0, ["venv 3.12", INSTALL_TEST])
    assert said.splitlines()[0] == "lamina: making .venv with Python 3.12"
    assert said.splitlines()[1].startswith("lamina: installing lamina[test] into .venv: ")


def test_a_second_run_does_nothing_and_says_nothing(project):
    project.run("test")
    assert project.run("test") == (0, "", [])


def test_a_change_of_the_definition_installs_again_in_the_same_environment(project):
    project.run("test")
    (project.root / "pyproject.toml").write_text("second\n")
    assert project.run("test")[2] == [INSTALL_TEST]


def test_a_new_date_of_the_definition_installs_nothing(project):
    project.run("test")
    os.utime(project.root / "pyproject.toml", (2e9, 2e9))
    assert project.run("test")[2] == []


def test_another_extra_is_installed_into_the_same_environment(project):
    project.run("demo")
    assert project.run("test")[2] == [INSTALL_TEST]


def test_an_extra_covers_those_that_it_contains(project):
    project.run("check")
    assert project.run("test")[2] + project.run("demo")[2] == []


def test_further_requirements_are_always_installed(project):
    project.run("test")
    assert project.run("test", "numpy==2.0.*")[2] == [INSTALL_TEST + " numpy==2.0.*"]


def test_an_environment_that_was_never_finished_is_made_anew(project):
    (project.root / "offline").touch()
    code, said, _ = project.run("test")
    assert (code, said.splitlines()[-1][:29]) == (1, "lamina: pip could not install")
    (project.root / "offline").unlink()
    assert project.run("test")[2] == ["venv 3.12", INSTALL_TEST]


def test_a_failed_update_leaves_the_finished_environment(project):
    project.run("demo")
    (project.root / "offline").touch()
    assert project.run("test")[0] == 1
    (project.root / "offline").unlink()
    assert project.run("test")[2] == [INSTALL_TEST]


def test_a_folder_without_an_interpreter_is_made_anew(project):
    (project.root / ".venv" / "bin").mkdir(parents=True)
    assert project.run("test")[2] == ["venv 3.12", INSTALL_TEST]


def test_an_environment_without_pip_is_made_anew(project):
    project.run("demo")
    (project.root / "no-pip").touch()
    assert project.run("test")[2] == ["venv 3.12", INSTALL_TEST]


def test_an_environment_that_moved_is_made_anew(project, tmp_path):
    project.run("test")
    project.root.rename(tmp_path / "elsewhere")
    moved = object.__new__(Project)
    moved.root, moved.path = tmp_path / "elsewhere", tmp_path / "elsewhere" / "path"
    moved.log = moved.root / "log"
    assert moved.run("test")[2] == ["venv 3.12", INSTALL_TEST]


def test_an_environment_that_somebody_made_by_hand_is_kept(project):
    (project.root / ".venv" / "bin").mkdir(parents=True)
    shutil.copy(project.path / "python3", project.root / ".venv" / "bin" / "python")
    assert project.run("test")[2] == [INSTALL_TEST]


def test_a_system_without_ensurepip_gets_pip_from_the_systems_own(project):
    (project.root / "no-ensurepip").touch()
    pip = "-m pip --python .venv/bin/python install --quiet pip"
    assert project.run("test")[2] == ["venv 3.12", pip, INSTALL_TEST]


def test_the_interpreter_that_is_named_is_taken(project):
    project.interpreter("other", "3.13")
    assert project.run("test", PYTHON="other")[2][0] == "venv 3.13"


def test_naming_another_version_makes_the_environment_anew(project):
    project.interpreter("other", "3.13").run("test")
    assert project.run("test", PYTHON="other")[2] == ["venv 3.13", INSTALL_TEST]


def test_an_old_python3_is_passed_over(project):
    project.interpreter("python3", "3.10").interpreter("python3.11", "3.11")
    assert project.run("test")[2][0] == "venv 3.11"


def test_without_a_new_enough_python_nothing_is_made(project):
    project.interpreter("python3", "3.10")
    code, said, asked = project.run("test")
    assert (code, asked) == (1, [])
    assert said == (
        "lamina: needs Python 3.11 or newer, and there is none on the PATH. "
        "Install one, or name it: make test PYTHON=/path/to/python3.12\n"
    )


@pytest.mark.parametrize(
    ("name", "reason"), [("old", "is 3.10."), ("absent", "is not a Python that starts.")]
)
def test_a_named_interpreter_that_will_not_do_is_refused(project, name, reason):
    project.interpreter("old", "3.10")
    code, said, asked = project.run("test", PYTHON=name)
    assert (code, asked) == (1, [])
    assert said == f"lamina: needs Python 3.11 or newer, but PYTHON={name} {reason}\n"
