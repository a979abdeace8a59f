"""From IR to machine code, and the cache on disk."""

from __future__ import annotations

import functools
import logging
import os
import stat
import subprocess
import sys
import threading

import numpy as np
import pytest

pytest.importorskip("llvmlite")

import llvmlite.binding as llvm

from lamina.machine import cache as caches
from lamina.machine import module as modules
from lamina.machine.cache import MAGIC, SUFFIX, Cache, default_cache, digest
from lamina.machine.module import compile_text, machine
from lamina.machine.parts import emit_all, packed, split, unpacked
from lamina.machine.target import host, narrowed
from lamina.machine.team import Team
from machine.sample import module, table

NAME = "a" * 64


@pytest.fixture
def cache(tmp_path) -> Cache:
    return Cache(tmp_path / "lamina")


@pytest.fixture
def fresh():
    """Compile as if nothing was compiled before in this process."""
    modules._loaded.clear()


@pytest.fixture
def log(caplog):
    caplog.set_level(logging.INFO, logger="lamina")
    return caplog


def turned(compiled) -> np.ndarray:
    """0 to 9, turned round by the compiled function."""
    x = np.arange(10, dtype=np.float32)
    y = np.zeros_like(x)
    pointers = table(x, y)
    Team(1).run(compiled.address("f"), pointers.ctypes.data)
    return x


# -- modules -------------------------------------------------------------------------------------


def test_a_function_that_is_not_there_is_named():
    with pytest.raises(KeyError, match="it has no function 'g'"):
        module(3).compile(verify=True).address("g")


def test_wrong_ir_is_told_and_not_compiled():
    with pytest.raises(RuntimeError, match="expected instruction opcode"):
        compile_text("define void @f() {\n ret void x\n}", host(), cache=Cache(None))


def test_a_module_that_is_compiled_again_is_the_same_one():
    first = module(10).compile()
    assert module(10).compile() is first


def test_the_processor_is_part_of_what_is_kept(cache, fresh):
    text = str(module(10).ir)
    compile_text(text, host(), cache=cache)
    assert not compile_text(text, narrowed(4), cache=cache).cached


def test_assembly_shows_the_function():
    assert "\nf:" in module(10).assembly().replace("_f:", "f:")


# -- parts ---------------------------------------------------------------------------------------


@pytest.fixture
def two_cores(monkeypatch):
    monkeypatch.setattr("lamina.machine.parts.cores", lambda: 2)


def test_functions_in_several_parts_call_one_another(two_cores, fresh, monkeypatch):
    monkeypatch.setattr(modules, "PART", 100)
    text = str(module(10).ir)
    assert len(split(text, 100)) == 2
    compiled = compile_text(text, host(), verify=True, cache=Cache(None))
    assert np.array_equal(turned(compiled), np.arange(10)[::-1])


def test_a_module_with_a_global_variable_stays_whole(two_cores):
    text = str(module(10).ir) + "\n@counter = internal global i64 0\n"
    assert split(text, 100) == [text]


def test_a_short_module_stays_whole(two_cores):
    text = str(module(10).ir)
    assert split(text, 100_000) == [text]


def test_wrong_ir_in_any_part_is_told():
    good, bad = str(module(10).ir), "define void @g() {\n ret void x\n}"
    modules.initialize()
    with pytest.raises(RuntimeError, match="expected instruction opcode"):
        emit_all([good, bad], functools.partial(machine, host()))


def test_without_the_function_that_takes_no_lock_the_same_code_comes_out(monkeypatch):
    modules.initialize()
    texts = [str(module(10).ir)]
    expected = emit_all(texts, functools.partial(machine, host()))
    locked = llvm.ffi.lib.LLVMPY_TargetMachineEmitToMemory
    monkeypatch.setitem(
        llvm.ffi.lib._fntab, "LLVMPY_TargetMachineEmitToMemory", lambda *given: locked(*given)
    )
    assert emit_all(texts, functools.partial(machine, host())) == expected


def test_threads_may_compile_at_once(fresh):
    texts = [str(module(n).ir) for n in range(10, 18)]
    results: list = [None] * len(texts)

    def work(i: int) -> None:
        results[i] = compile_text(texts[i], host(), cache=Cache(None))

    threads = [threading.Thread(target=work, args=(i,)) for i in range(len(texts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert np.array_equal(turned(results[0]), np.arange(10)[::-1])


def test_objects_are_packed_and_unpacked():
    objects = [b"", b"a", b"bc" * 1000]
    assert unpacked(packed(objects)) == objects


# -- the cache -----------------------------------------------------------------------------------


def test_what_was_compiled_comes_from_the_disk_the_next_time(cache, fresh):
    text = str(module(10).ir)
    assert not compile_text(text, host(), cache=cache).cached
    modules._loaded.clear()
    again = compile_text(text, host(), cache=cache)
    assert again.cached
    assert np.array_equal(turned(again), np.arange(10)[::-1])


def test_the_folder_is_the_users_alone(cache):
    cache.put(NAME, b"code")
    assert stat.S_IMODE(cache.folder.stat().st_mode) == 0o700


@pytest.mark.parametrize("place", [0, len(MAGIC), len(MAGIC) + 32, -1])
def test_a_poisoned_file_is_refused_logged_and_replaced(cache, log, place):
    cache.put(NAME, b"code")
    path = cache.folder / (NAME + SUFFIX)
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)
    assert cache.get(NAME) is None
    assert "is damaged and will be made anew" in log.text
    cache.put(NAME, b"code")
    assert cache.get(NAME) == b"code"


@pytest.mark.parametrize("length", [0, 10, len(MAGIC) + 32, len(MAGIC) + 35])
def test_a_truncated_file_is_refused(cache, log, length):
    cache.put(NAME, b"code")
    path = cache.folder / (NAME + SUFFIX)
    path.write_bytes(path.read_bytes()[:length])
    assert cache.get(NAME) is None
    assert "is damaged" in log.text


def test_a_file_cannot_take_the_place_of_another(cache, log):
    other = "b" * 64
    cache.put(NAME, b"code")
    os.rename(cache.folder / (NAME + SUFFIX), cache.folder / (other + SUFFIX))
    assert cache.get(other) is None
    assert "is damaged" in log.text


def test_a_damaged_file_is_compiled_again_and_never_executed(cache, fresh):
    text = str(module(10).ir)
    compile_text(text, host(), cache=cache)
    (path,) = cache.folder.iterdir()
    path.write_bytes(path.read_bytes()[:-1] + b"\xcc")
    modules._loaded.clear()
    again = compile_text(text, host(), cache=cache)
    assert not again.cached
    assert np.array_equal(turned(again), np.arange(10)[::-1])


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
@pytest.mark.parametrize("mode", [0o755, 0o770, 0o701])
def test_a_folder_that_others_can_enter_is_not_used(cache, log, mode):
    cache.folder.mkdir()
    cache.folder.chmod(mode)
    folder = cache.folder
    cache.put(NAME, b"code")
    assert list(folder.iterdir()) == []
    assert f"others have access, its mode is {mode:04o}; set 0700" in log.text


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such owners")
def test_a_folder_of_another_user_is_not_used(cache, log, monkeypatch):
    cache.put(NAME, b"code")
    monkeypatch.setattr(caches.os, "geteuid", lambda: 12345)
    assert cache.get(NAME) is None
    assert "and this is user 12345" in log.text


def test_a_file_in_place_of_the_folder_is_told_once(tmp_path, log):
    place = tmp_path / "lamina"
    place.write_text("")
    cache = Cache(place)
    assert [cache.get(NAME), cache.put(NAME, b"code"), cache.get(NAME)] == [None] * 3
    assert log.text.count("is not used") == 1


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege there")
def test_a_link_in_place_of_a_file_is_not_followed(cache, log, tmp_path):
    cache.put(NAME, b"code")
    path = cache.folder / (NAME + SUFFIX)
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    assert cache.get(NAME) is None
    assert "is not used" in log.text


def test_a_pipe_in_place_of_a_file_does_not_hang(cache, log):
    if not hasattr(os, "mkfifo"):
        pytest.skip("no pipes with names here")
    cache.put(NAME, b"code")
    path = cache.folder / (NAME + SUFFIX)
    path.unlink()
    os.mkfifo(path)
    assert cache.get(NAME) is None
    assert "it is not a plain file" in log.text


def test_what_was_used_longest_ago_goes_first(tmp_path):
    cache = Cache(tmp_path / "lamina", limit=4000)
    for i, name in enumerate("abc"):
        cache.put(name, b"x" * 1000)
        os.utime(cache.folder / (name + SUFFIX), ns=(i, i))
    cache.get("a")
    cache.put("d", b"x" * 1000)
    assert [name for name in "abcd" if cache.get(name) is not None] == ["a", "c", "d"]


def test_a_disk_that_refuses_costs_nothing_but_the_cache(cache, log, monkeypatch):
    cache.put("other", b"code")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(caches.Hasty, "write", full)
    cache.put(NAME, b"code")
    assert "it is not kept on disk: save: " in log.text
    assert cache.get(NAME) is None


def test_nothing_of_a_failed_write_stays(cache, monkeypatch):
    cache.put("other", b"code")
    monkeypatch.setattr(caches.Hasty, "write", lambda *_: 0)
    cache.put(NAME, b"code")
    assert [path.name for path in cache.folder.iterdir()] == ["other" + SUFFIX]


def test_a_content_has_the_hash_of_its_name_too():
    assert digest("a", b"b") != digest("b", b"a")


# -- where it is ---------------------------------------------------------------------------------


@pytest.fixture
def where(monkeypatch):
    """The default cache, with some variables of the environment."""

    def make(**variables: str) -> Cache:
        for name in ("LAMINA_CACHE", "XDG_CACHE_HOME"):
            monkeypatch.delenv(name, raising=False)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        return default_cache.__wrapped__()

    return make


def test_the_cache_is_in_the_users_cache_folder(where, monkeypatch, tmp_path):
    monkeypatch.setattr(caches.Path, "home", lambda: tmp_path)
    assert where().folder == tmp_path / ".cache" / "lamina"


def test_xdg_cache_home_moves_it(where, tmp_path):
    assert where(XDG_CACHE_HOME=str(tmp_path)).folder == tmp_path / "lamina"


def test_lamina_cache_names_it(where, tmp_path):
    assert where(LAMINA_CACHE=str(tmp_path / "here")).folder == tmp_path / "here"


@pytest.mark.parametrize("word", ["off", "OFF"])
def test_lamina_cache_off_turns_it_off(where, word):
    cache = where(LAMINA_CACHE=word)
    cache.put(NAME, b"code")
    assert cache.get(NAME) is None


def test_without_a_home_there_is_no_cache(where, monkeypatch):
    def homeless():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(caches.Path, "home", homeless)
    assert where().folder is None


def test_code_in_a_cycle_of_garbage_goes_quietly():
    """The garbage collector closes what it finds in any order."""
    program = """
import gc
import sys
from lamina.machine.code import Code
from lamina.machine.module import Module
from lamina.machine.target import host

def compiled(number):
    module = Module(host())
    code = Code(module.ir, "f", module.target)
    code.store(code.number(number), code.pointer(1))
    code.b.ret_void()
    return module.compile()

class Node:
    pass

for number in range(30):
    a, b = Node(), Node()
    a.other, b.other, a.code = b, a, compiled(float(number))
    del a, b
    gc.collect()
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (0, "")
