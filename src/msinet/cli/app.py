"""The command line: its verbs, recipes, errors and exit codes. A verb's file is loaded when the verb is called."""

import ast
import builtins
import keyword
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from cyclopts import App, CycloptsError, UnusedCliTokensError
from cyclopts.config import Dict

import msinet
from msinet.cli.log import shown_log
from msinet.cli.options import as_options
from msinet.cli.terminal import say, say_aside, show_error, write_legibly
from msinet.errors import MSINetError, SettingsError
from msinet.extras import extras_named
from msinet.files.os_errors import in_words
from msinet.files.paths import user_path
from msinet.recipes import FINE_TUNING, Fitting, Recipe, load_recipe

VERBS = (
    "demo",
    "run",
    "search",
    "train",
    "adapt",
    "evaluate",
    "embed",
    "export",
    "serve",
    "report",
    "rerun",
    "models",
    "convert",
    "info",
)
"""Verbs, each a file and a function of this name."""

GROUPS = {
    "data": ("Check datasets, and make synthetic ones.", ("check", "make")),
    "gallery": (
        "Keep images in a gallery, and ask it: have we seen this one before, where, and how sure are we?",
        ("create", "add", "query", "link", "remove", "list", "info", "calibrate", "check", "export", "import"),
    ),
    "experiment": (
        "Repeat the experiments of docs/experiments.md.",
        ("search-worth", "other-domains", "synthetic-vehicles"),
    ),
}
"""Groups of verbs, each a file whose functions are the verbs."""

FILES = {("gallery", verb): "gallery_reading" for verb in ("query", "list", "info", "check")}
"""Files of verbs that are not in the file of their group."""


class NeedsRecipe(Exception):
    """Work without the recipe that fits, on data that is known now, and perhaps without the model to start from."""

    def __init__(self, recipe: Fitting, init: str | None = None) -> None:
        super().__init__(recipe.why)
        self.recipe, self.init = recipe, init

    def said(self, tokens: Sequence[str]) -> list[str]:
        """Return the words of a command line with the recipe, and the model, in place of those that it has."""
        given = {"--recipe": self.recipe.name, **({"--init": self.init} if self.init else {})}
        kept: list[str] = []
        for before, token in pairwise(["", *tokens]):
            if before not in given and token not in given and token.partition("=")[0] not in given:
                kept.append(token)
        return [*kept, *(word for option in given.items() for word in option)]


def make_app(called: str = "") -> App:
    """Return the command line, with verbs that are not loaded yet.

    Args:
        called: the verb that is called, whose own help is its whole docstring; the others are listed by its first sentence.
    """
    app = App(
        name="msinet",
        help="Search, train, prove and use small networks that recognise the same object again.",
        version=msinet.__version__,
        suppress_keyboard_interrupt=False,
    )
    groups = {name: App(name=name, help=words) for name, (words, _) in GROUPS.items()}
    verbs = [(app, verb, verb) for verb in VERBS]
    verbs += [(groups[name], FILES.get((name, verb), name), verb) for name, (_, those) in GROUPS.items() for verb in those]
    for owner, file, verb in verbs:
        words = {} if verb == called else {"help": first_sentence(file, verb)}
        owner.command(f"msinet.cli.{file}:{function_of(verb)}", name=verb, **words)
    for group in groups.values():
        app.command(group)
    return app


def first_sentence(file: str, verb: str) -> str:
    """Return the first sentence of a verb's docstring, without loading the verb."""
    module = ast.parse(Path(__file__).with_name(f"{file}.py").read_text(encoding="utf-8"))
    functions = {node.name: node for node in module.body if isinstance(node, ast.FunctionDef)}
    paragraph, *_ = (ast.get_docstring(functions[function_of(verb)]) or "").split("\n\n")
    return paragraph.split(". ")[0].rstrip(".") + "."


def function_of(verb: str) -> str:
    """Return the name of a verb's function: one of Python's own names has an underscore behind it."""
    name = verb.replace("-", "_")
    return f"{name}_" if keyword.iskeyword(name) or hasattr(builtins, name) else name


def main(tokens: Sequence[str] | None = None, recipe: Recipe | None = None) -> None:
    """Run the command line. Exit codes: 0 done, 1 failed or not good enough, 2 wrong usage, 130 stopped.

    Args:
        tokens: the words after `msinet`; by default those of the process.
        recipe: settings in place of those of a recipe that the words name.
    """
    tokens = sys.argv[1:] if tokens is None else tokens
    verb = next((token for token in tokens if token not in GROUPS), "")
    app = make_app(verb)
    write_legibly()
    try:
        found = recipe_of(tokens, recipe)
        app.config = (Dict({**found, "run": found}),)
        with shown_log(), extras_named():
            app([as_meant(token) for token in tokens], exit_on_error=False, print_error=False)
    except NeedsRecipe as needed:
        say(f"Using --recipe {needed.recipe.name}: {needed.recipe.why}")
        main(needed.said(tokens), recipe)
    except MSINetError as error:
        show_error(as_options(error, verb, tokens))
        sys.exit(2 if isinstance(error, SettingsError) else 1)
    except UnusedCliTokensError as error:
        unused = ", ".join(error.unused_tokens or ())
        advice = "; give several images as a folder, or as a list on standard input (-)" if verb == "embed" else ""
        show_error(f"msinet {verb} does not take {unused}{advice}")
        sys.exit(2)
    except CycloptsError as error:
        show_error(str(error))
        sys.exit(2)
    except OSError as error:
        show_error(": ".join([*([str(error.filename)] if error.filename else []), in_words(error)]))
        sys.exit(1)
    except KeyboardInterrupt:
        say_aside(
            "stopped: run, search, train, rerun, demo, experiment, data make and gallery add resume with the same command"
        )
        sys.exit(130)


def as_meant(token: str) -> str:
    """Return a word of the command line with its ~ expanded, which shells leave in --out=~/runs, and - as the data."""
    if token == "-":
        return "--data=-"  # cyclopts takes a lone - for an option
    option, equals, value = token.partition("=")
    if option.startswith("--") and value.startswith("~"):
        return f"{option}{equals}{user_path(value)}"
    return str(user_path(token)) if token.startswith("~") else token


def recipe_of(tokens: Sequence[str], instead: Recipe | None = None) -> dict[str, Any]:
    """Return the settings of the recipe that a command line names, or others instead, by table.

    To fine-tune, they have the width and the image size of the model.
    """
    named, init = _values_of("--recipe", tokens), _values_of("--init", tokens)
    recipe = dict(instead if instead is not None else load_recipe(named[-1]) if named else {})
    if init and named and named[-1] in FINE_TUNING:
        from msinet.model.initial_weights import size_of

        recipe["train"] = {**recipe.get("train", {}), **size_of(init[-1])}
    return recipe


def _values_of(option: str, tokens: Sequence[str]) -> list[str]:
    """Return the values that a command line gives to an option."""
    apart = [b for a, b in pairwise(tokens) if a == option]
    return apart + [token.partition("=")[2] for token in tokens if token.startswith(f"{option}=")]
