"""``lamina completion``: what a shell needs to complete the words of ``lamina``."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

from .answer import Answer
from .parser import Parser

DESCRIPTION = """\
Print a script that lets a shell complete the words of lamina.

  bash   lamina completion bash > ~/.local/share/bash-completion/completions/lamina
  zsh    lamina completion zsh > ~/.zfunc/_lamina      with fpath=(~/.zfunc $fpath)
         before compinit in ~/.zshrc
  fish   lamina completion fish > ~/.config/fish/completions/lamina.fish"""

FILES = {"CONFIG": "*.toml", "INPUT": "", "FILE": "", "RUN": "/", "RUN1": "/", "RUN2": "/"}
"""By metavar: files of an ending, any file, or folders."""


def add_to(commands: Any) -> None:
    """Add ``lamina completion`` to a parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "completion", help="a script for bash, zsh or fish", description=DESCRIPTION
    )
    parser.add_argument("shell", choices=list(SHELLS), help="which shell")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> Answer:
    """Print the script."""
    script = SHELLS[arguments.shell](arguments.parser())
    return Answer(script.rstrip("\n"), {"shell": arguments.shell, "script": script})


# -- what there is -------------------------------------------------------------------------------


def options(parser: Parser) -> list[argparse.Action]:
    """The options of a command."""
    return [action for action in parser.actions() if action.option_strings]


def words(parser: Parser) -> list[argparse.Action]:
    """Its arguments without a dash."""
    return [action for action in parser.actions() if not action.option_strings]


def takes_value(action: argparse.Action) -> bool:
    """Whether a word follows the option."""
    return action.nargs != 0


def pattern_of(action: argparse.Action) -> str | None:
    """Which files are meant: ``"*.toml"``, ``""`` for any, ``"/"`` for folders; None for none."""
    name = action.metavar if isinstance(action.metavar, str) else ""
    if action.dest == "out" and not name:
        return ""
    return FILES.get(name)


def _help(action: argparse.Action) -> str:
    return (action.help or "").replace("%%", "%")


# -- bash ----------------------------------------------------------------------------------------

BASH = """\
# Completion of lamina in bash; made by: lamina completion bash

_lamina_files() {{
    local pattern="$1" current="$2" IFS=$'\\n'
    COMPREPLY+=($(compgen -d -- "$current"))
    if [[ $pattern == "*" ]]; then
        COMPREPLY+=($(compgen -f -- "$current" | grep -vxF -f <(compgen -d -- "$current")))
    elif [[ $pattern != / ]]; then
        COMPREPLY+=($(compgen -f -X "!$pattern" -- "$current"))
    fi
}}

_lamina() {{
    local current="${{COMP_WORDS[COMP_CWORD]}}" before="${{COMP_WORDS[COMP_CWORD-1]}}"
    local command="" word place=0
    COMPREPLY=()
    for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
        if [[ $word != -* ]]; then
            if [[ -z $command ]]; then command="$word"; else place=$((place + 1)); fi
        fi
    done
    if [[ -z $command ]]; then
        COMPREPLY=($(compgen -W "{commands}" -- "$current"))
        return
    fi
    case "$command $before" in
{values}
    esac
    if [[ $current == -* ]]; then
        case "$command" in
{options}
        esac
        return
    fi
    case "$command $place" in
{words}
    esac
}}

complete -o filenames -F _lamina lamina
"""


def bash(parser: Parser) -> str:
    """The script for bash."""
    commands = parser.commands()
    names = " ".join([*commands, *parser.options])
    return BASH.format(
        commands=names,
        values="\n".join(_bash_values(commands)),
        options="\n".join(_bash_options(commands)),
        words="\n".join(_bash_words(commands)),
    )


def _bash_values(commands: dict[str, Parser]) -> Iterator[str]:
    """What follows an option."""
    for name, parser in commands.items():
        for action in filter(takes_value, options(parser)):
            patterns = "|".join(f'"{name} {word}"' for word in action.option_strings)
            yield f"        {patterns}) {_bash_for(action)}return ;;"


def _bash_options(commands: dict[str, Parser]) -> Iterator[str]:
    for name, parser in commands.items():
        yield (
            f'            {name}) COMPREPLY=($(compgen -W "{" ".join(parser.options)}" '
            '-- "$current")) ;;'
        )


def _bash_words(commands: dict[str, Parser]) -> Iterator[str]:
    for name, parser in commands.items():
        for place, action in enumerate(words(parser)):
            completed = _bash_for(action)
            if completed:
                last = "*" if action.nargs in ("*", "+") else str(place)
                yield f'        "{name} "{last}) {completed};;'


def _bash_for(action: argparse.Action) -> str:
    """The commands that complete the value of an option, or an argument."""
    if action.choices:
        listed = " ".join(map(str, action.choices))
        return f'COMPREPLY=($(compgen -W "{listed}" -- "$current")); '
    pattern = pattern_of(action)
    if pattern is None:
        return ""
    return f'_lamina_files "{pattern or "*"}" "$current"; '


# -- zsh -----------------------------------------------------------------------------------------

ZSH = """\
#compdef lamina
# Completion of lamina in zsh; made by: lamina completion zsh

_lamina() {{
    local -a commands
    commands=(
{commands}
    )
    if (( CURRENT == 2 )); then
        _describe -t commands command commands
        return
    fi
    local command="$words[2]"
    shift words
    (( CURRENT-- ))
    case "$command" in
{cases}
    esac
}}

if [ "$funcstack[1]" = _lamina ]; then
    _lamina "$@"
else
    compdef _lamina lamina
fi
"""


def zsh(parser: Parser) -> str:
    """The script for zsh."""
    helps = parser.helps()
    listed = [f"        {_quoted(f'{name}:{helps[name]}')}" for name in parser.commands()]
    cases = []
    for name, command in parser.commands().items():
        specs = " \\\n            ".join(_zsh_specs(command))
        cases.append(f"        {name})\n            _arguments {specs} ;;")
    return ZSH.format(commands="\n".join(listed), cases="\n".join(cases))


def _zsh_specs(parser: Parser) -> Iterator[str]:
    for action in options(parser):
        for word in action.option_strings:
            value = f":{_metavar(action)}:{_zsh_for(action)}" if takes_value(action) else ""
            yield _quoted(f"{word}[{_escaped(_help(action))}]{value}")
    for action in words(parser):
        place = "*" if action.nargs in ("*", "+") else ""
        yield _quoted(f"{place}:{_metavar(action)}:{_zsh_for(action)}")


def _zsh_for(action: argparse.Action) -> str:
    if action.choices:
        return f"({' '.join(map(str, action.choices))})"
    pattern = pattern_of(action)
    if pattern is None:
        return " "
    return {"": "_files", "/": "_files -/"}.get(pattern, f'_files -g "{pattern}"')


def _metavar(action: argparse.Action) -> str:
    return action.metavar if isinstance(action.metavar, str) else action.dest.replace("_", "-")


def _escaped(text: str) -> str:
    return text.replace("[", "\\[").replace("]", "\\]").replace(":", "\\:")


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


# -- fish ----------------------------------------------------------------------------------------


def fish(parser: Parser) -> str:
    """The script for fish."""
    lines = ["# Completion of lamina in fish; made by: lamina completion fish", ""]
    lines.append("complete -c lamina -f")
    for name, text in parser.helps().items():
        lines.append(f"complete -c lamina -n __fish_use_subcommand -a {name} -d {_for_fish(text)}")
    for name, command in parser.commands().items():
        lines += _fish_lines(name, command)
    return "\n".join(lines) + "\n"


def _fish_lines(name: str, parser: Parser) -> Iterator[str]:
    start = f"complete -c lamina -n '__fish_seen_subcommand_from {name}'"
    for action in options(parser):
        names = " ".join(
            f"-l {word[2:]}" if word.startswith("--") else f"-s {word[1:]}"
            for word in action.option_strings
        )
        exclusive = " -r" if pattern_of(action) == "" else " -x"  # -x forbids files
        value = f"{exclusive}{_fish_for(action)}" if takes_value(action) else ""
        yield f"{start} {names}{value} -d {_for_fish(_help(action))}"
    for action in words(parser):
        completed = _fish_for(action)
        if completed:
            yield f"{start}{completed}"


def _fish_for(action: argparse.Action) -> str:
    if action.choices:
        return f" -a '{' '.join(map(str, action.choices))}'"
    pattern = pattern_of(action)
    if pattern is None:
        return ""
    if pattern == "/":
        return " -a '(__fish_complete_directories)'"
    return f" -a '(__fish_complete_suffix {pattern[1:]})'" if pattern else " -F"


def _for_fish(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


SHELLS = {"bash": bash, "zsh": zsh, "fish": fish}
"""The scripts, by shell."""
