"""Metadata of the txphoenix distribution; the tools are set up in pyproject.toml."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.editable_wheel import _StaticPth, editable_wheel

HERE = Path(__file__).parent
VERSION = runpy.run_path(str(HERE / "txphoenix" / "_version.py"))["__version__"]

# Where the project is on the web. It is nowhere yet, and this is the one place that
# is to know; docs/release.rst says what each of them does.
# The repository, such as "https://forge.example/us/txphoenix".
REPOSITORY = ""
# A file of this release there, such as f"{REPOSITORY}/blob/v{VERSION}/{{path}}".
FILE = ""
# A page of the built documentation, such as "https://docs.example/{page}.html".
PAGE = ""


def readme_for_index(text: str, file: str = FILE, page: str = PAGE) -> str:
    """The README as a package index shows it, where no relative link leads anywhere.

    A page of docs/ leads to the built one, a file to the repository, and where there
    is no address for it, what was a link is plain text. A picture is its description.

    :param text: the README, in Markdown, as a forge shows it.
    """

    def replaced(match: re.Match[str]) -> str:
        is_picture, words, target = match["picture"], match["words"], match["target"]
        if target is None:
            return match[0]
        if is_picture:
            return words
        name = re.fullmatch(r"docs/([\w-]+)\.rst(#.*)?", target)
        if name is not None and page:
            return f"[{words}]({page.format(page=name[1])}{name[2] or ''})"
        if file and not target.startswith("#"):
            return f"[{words}]({file.format(path=target)})"
        return words

    # A program may well have what looks like a link.
    program = r"^ *(?P<fence>```|~~~)(?s:.*?)^ *(?P=fence)$|^ {4}.*$|`[^`\n]+`"
    elsewhere = r"[A-Za-z][\w+.-]*:|//"
    words, target = r"\[(?P<words>[^\]]*)\]", r"(?P<target>[^)\s]+)"
    link = rf"(?P<picture>!?){words}\((?!{elsewhere}){target}\)"
    shown = re.sub(f"{program}|{link}", replaced, text, flags=re.M)
    if shown == text or file or page:
        return shown
    return f"{shown}\nThe pages and files named here are in the source distribution.\n"


def project_urls() -> dict[str, str]:
    """What the package index shows beside the README."""
    urls = {
        "Source": REPOSITORY,
        "Documentation": PAGE.format(page="index"),
        "Changelog": FILE.format(path="NEWS.md"),
    }
    return {name: url for name, url in urls.items() if url}


class EditableWheel(editable_wheel):
    """Puts both roots of the working copy on the path, as they are.

    Twisted then finds the plugin of a working copy as it does an installed one.
    """

    def _select_strategy(self, name: str, tag: str, build_lib: object) -> _StaticPth:
        return _StaticPth(self.distribution, name, [HERE, HERE / "plugin"])


setup(
    name="txphoenix",
    version=VERSION,
    description="A Twisted client for Phoenix Channels",
    long_description=readme_for_index((HERE / "README.md").read_text("utf-8")),
    long_description_content_type="text/markdown",
    project_urls=project_urls(),
    author="the txphoenix authors",
    license_expression="MIT",
    license_files=["LICENSE"],
    keywords=["twisted", "phoenix", "channels", "websocket", "presence", "autobahn"],
    classifiers=[
        "Development Status :: 4 - Beta",
        "Framework :: Twisted",
        "Intended Audience :: Developers",
        "Operating System :: OS Independent",
        "Programming Language :: Python :: 3 :: Only",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Programming Language :: Python :: 3.14",
        "Programming Language :: Python :: Implementation :: CPython",
        "Topic :: Communications",
        "Topic :: Internet",
        "Topic :: Software Development :: Libraries :: Python Modules",
        "Typing :: Typed",
    ],
    python_requires=">=3.11",
    # The plugin has a root of its own: a directory "twisted" beside "txphoenix" would
    # be taken for Twisted by a Python without it that is run in the working copy.
    package_dir={"": ".", "twisted.plugins": "plugin/twisted/plugins"},
    packages=find_packages(include=["txphoenix", "txphoenix.*"]),
    # Twisted's own package, to which no package of ours may add an __init__.py.
    py_modules=["twisted.plugins.txphoenix_plugin"],
    cmdclass={"editable_wheel": EditableWheel},
    package_data={
        "txphoenix": ["py.typed"],
        "txphoenix.test": ["wire/*"],
    },
    zip_safe=False,
    # The floors are the versions that `tox -e oldest` tests.
    # From 26.4 on Twisted's check of a server's certificate fails open, and no release
    # is mended: see txphoenix/transports/tls.py, which makes up for it.
    install_requires=[
        "twisted[tls]>=24.7.0",
        "autobahn>=26.7.1",
        "treq>=24.9.1",
        # Twisted and treq bring these two as well.
        "attrs>=22.2.0",
        "hyperlink>=21.0.0",
        'orjson>=3.10.0; platform_python_implementation == "CPython"',
    ],
    extras_require={
        # Masks what is sent in C; see txphoenix/transports/masking.py.
        "accelerated": [
            "websockets>=13.0",
        ],
        # Makes spans; see txphoenix/otel.
        "otel": [
            "opentelemetry-api>=1.27.0",
        ],
        # Writes what Prometheus reads; see txphoenix/metrics.
        # From 0.20 on it has types, and no dependencies.
        "metrics": [
            "prometheus_client>=0.20.0",
        ],
        # Edits the line of the command `console`; see txphoenix/cli/prompt.
        "console": [
            "prompt_toolkit>=3.0.36",
        ],
        # What examples/nerveshub reads and writes, which the library never needs, and
        # the extra "metrics"; that "crossbar" is for examples/crossbar alone.
        "examples": ["msgpack>=1.0.5", "prometheus_client>=0.20.0"],
        # The router that the tests in crossbar_node/ start; the bridge does without.
        "crossbar": ["crossbar>=26.10.1"],
        "test": [
            "coverage>=7.10",
            "hypothesis>=6.100",
            "pytest>=8",
            "pytest-twisted>=1.14",
            # Runs two tests at a time.
            "pytest-xdist>=3.5",
            # What the documentation shows for SOCKS.
            "txtorcon>=24.8",
            # The extra "otel", and what keeps its spans.
            "opentelemetry-api>=1.27.0",
            "opentelemetry-sdk>=1.27.0",
            # The extra "metrics".
            "prometheus_client>=0.20.0",
            # The extra "console", and what draws the screen of its tests.
            "prompt_toolkit>=3.0.36",
            "pyte>=0.8.1",
            # The extra "accelerated".
            "websockets>=13.0",
            # A page of the documentation makes payloads into its structs.
            "msgspec>=0.19.0",
            # The extra "examples".
            "msgpack>=1.0.5",
            # One of the reactors that the tests run under.
            'uvloop; os_name == "posix" and implementation_name == "cpython"',
        ],
        # The benchmarks draw their charts with it; the library never needs it.
        # And one of them has the exporter of metrics attached.
        "benchmarks": ["matplotlib>=3.8", "prometheus_client>=0.20.0"],
        # The API reference is made of docstrings, for which modules are imported: some
        # of these need what an extra brings.
        "docs": [
            # Knows what is often misspelt; see pyproject.toml.
            "codespell>=2.4",
            "furo",
            "opentelemetry-api>=1.27.0",
            "prometheus_client>=0.20.0",
            "sphinx>=8",
            # Each program has a button that copies it.
            "sphinx-copybutton>=0.5.2",
        ],
        # A minor release of ruff or mypy finds new faults in old code.
        # So these two move when somebody decides that they do.
        "dev": [
            "build",
            # Compares the sdist with what git has.
            "check-manifest>=0.50",
            # Holds the layers: the contracts in pyproject.toml.
            "import-linter>=2.17",
            "mypy~=2.4",
            "mypy-zope>=1.0.17",
            "ruff~=0.17.6",
            "towncrier>=24.8",
            "tox>=4.22",
            "twine>=6.1",
        ],
    },
    # There is no entry point for pytest: a plugin that came with the library would be
    # loaded into the test run of everyone who has it installed.
    # Those who want the fixtures name them in their conftest.py (`pytest_plugins`).
    entry_points={"console_scripts": ["txphoenix = txphoenix.cli:main"]},
)
