"""Names of users' own: files beside the config, modules, and what is wrong with them."""

from __future__ import annotations

import sys

import pytest

from fixtures.small_run import forget_modules
from lamina.cli.experiment.name import KINDS, files, find
from lamina.errors import ConfigError


@pytest.fixture(autouse=True)
def as_before(tmp_path):
    """Paths and modules are afterwards as they were."""
    path = list(sys.path)
    yield
    sys.path[:] = path
    forget_modules(tmp_path)


@pytest.fixture
def write(tmp_path):
    def write(name, text):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return write


def wanted(text, *folders, kind="layer"):
    return find(text, KINDS[kind], folders)


@pytest.mark.parametrize("name", ["mine.py:Net", "mine:Net", "mine.Net"])
def test_a_file_beside_the_config_has_a_class(name, write, tmp_path):
    write("mine.py", "class Net: pass")
    found = wanted(name, tmp_path)
    assert (found.__name__, found.__module__) == ("Net", "mine")


@pytest.mark.parametrize("name", ["parts/blocks.py:Net.Inner", "parts.blocks.Net.Inner"])
def test_a_file_of_a_folder_has_a_class_in_a_class(name, write, tmp_path):
    write("parts/blocks.py", "class Net:\n    class Inner: pass")
    assert wanted(name, tmp_path).__qualname__ == "Net.Inner"


def test_the_first_folder_comes_first(write, tmp_path):
    write("a/mine.py", "number = 1")
    write("b/mine.py", "number = 2")
    assert wanted("mine:number", tmp_path / "b", tmp_path / "a") == 2


def test_another_config_in_this_process_has_a_file_of_its_own(write, tmp_path):
    write("a/mine.py", "from other import number")
    write("a/other.py", "number = 1")
    write("b/mine.py", "from other import number")
    write("b/other.py", "number = 2")
    assert wanted("mine:number", tmp_path / "a") == 1
    assert wanted("mine:number", tmp_path / "b") == 2


def test_files_that_were_imported_are_known_also_by_their_imports(write, tmp_path):
    write("mine.py", "from parts.blocks import number")
    write("parts/blocks.py", "number = 1")
    write("unused.py", "")
    wanted("mine:number", tmp_path)
    known = dict((inside, path) for path, inside in files((tmp_path,)))
    assert set(known) == {"mine.py", "parts/blocks.py"}
    assert known["mine.py"] == tmp_path / "mine.py"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("mine.py:Ned", "names mine.py.Ned, but module mine.py has no 'Ned'; did you mean"),
        (
            "mien.py:Net",
            "names mien.py, and there is no such file in FOLDER; did you mean 'mine.py'",
        ),
        ("mine.py:", "should look like file.py:Name, got 'mine.py:'"),
        ("my net.py:Net", "should look like file.py:Name, got 'my net.py:Net'"),
        ("../mine.py:Net", "should look like file.py:Name, got"),
        ("nowhere:Net", "names a module 'nowhere', which is neither in FOLDER nor installed"),
        ("syntax.py:Net", "cannot be imported: syntax.py, line 2: SyntaxError: "),
        ("error.py:Net", "cannot be imported: error.py, line 2: NameError: name 'nn' is not"),
        ("lacks.py:Net", "cannot be imported: lacks.py, line 1: ModuleNotFoundError: No module"),
        ("package.inner.Net", "names package.inner, but module package has no 'inner'"),
    ],
)
def test_what_is_wrong_with_a_file_is_told(name, message, write, tmp_path):
    write("mine.py", "class Net: pass")
    write("syntax.py", "\nclass Net: pas s")
    write("error.py", "\nNet = nn.Linear(3)")
    write("lacks.py", "import no_module_of_this_name")
    write("package/__init__.py", "")
    with pytest.raises(ConfigError) as caught:
        wanted(name, tmp_path)
    assert str(caught.value).startswith(message.replace("FOLDER", str(tmp_path)))


def test_a_kind_without_modules_needs_a_path(tmp_path):
    with pytest.raises(ConfigError, match="got 'make': an import path such as package"):
        wanted("make", tmp_path, kind="call")
