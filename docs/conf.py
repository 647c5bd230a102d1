"""How Sphinx builds the documentation. A warning is an error (-W), and so is a reference to nothing (-n)."""

from types import FunctionType

from sphinx.application import Sphinx

from siegel import __version__

project = "siegel"
author = "the siegel authors"
project_copyright = "the siegel authors, Apache-2.0"
version = release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"siegel {release}"

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

autodoc_class_signature = "separated"  # makes a constructor a member, which can be left out
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
python_use_unqualified_type_names = True

# The standard library's own pages are elsewhere, and the build needs no network.
nitpick_ignore_regex = [(r"py:.*", r"(collections|contextlib|enum|os|typing)\..*")]
# Short names for unions, which the docstrings beside them spell out.
nitpick_ignore = [("py:class", name) for name in ("Database", "FileName", "Key", "Kind", "Place")]
nitpick_ignore.append(("py:class", "siegel.store.async_store._T"))  # what the caller's own function returns


def leave_out_internal_constructors(_app: Sphinx, _what: str, name: str, member: object, *_: object) -> bool | None:
    """Objects of some classes come from functions such as ``generate`` and ``decode`` only; the types tell which."""
    if name != "__init__" or not isinstance(member, FunctionType):
        return None
    types = [member.__globals__.get(annotation) for annotation in member.__annotations__.values()]
    return any(getattr(kind, "__module__", "").startswith("siegel._core") for kind in types) or None


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.connect("autodoc-skip-member", leave_out_internal_constructors)
