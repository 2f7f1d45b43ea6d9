"""Sphinx settings: build with ``python -m sphinx -W --keep-going -b html docs docs/_build/html``."""

import re
import sys
from pathlib import Path

import crossmodal_cca

# For the order of the gallery too, which Sphinx-Gallery looks up by its name.
sys.path.insert(0, str(Path(__file__).resolve().parent))
import benchmark_figures

project = "crossmodal_cca"
author = "the crossmodal_cca authors"
copyright = "the crossmodal_cca authors"
release = version = crossmodal_cca.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "numpydoc",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "examples", "sg_execution_times.rst"]
templates_path = ["_templates"]
html_theme = "furo"
html_title = f"crossmodal_cca {release}"
html_show_sphinx = False

myst_enable_extensions = ["amsmath", "dollarmath"]
myst_heading_anchors = 3

autosummary_generate = True
autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the docstrings name the types

# A table of methods in each class's docstring; their full texts follow it (see _templates), on the same page.
numpydoc_show_class_members = True
numpydoc_show_inherited_class_members = True
numpydoc_class_members_toctree = False

sphinx_gallery_conf = {
    "examples_dirs": "examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": r"plot_",
    "within_subsection_order": "gallery_order.ReadingOrder",
    # Tables and pages are shown; how Python writes a display or an axis down says nothing to a reader.
    "capture_repr": ("_repr_html_",),
    "plot_gallery": True,
    "abort_on_example_error": True,
    "download_all_examples": False,
    "remove_config_comments": True,
    "show_memory": False,
    "show_signature": False,
    "write_computation_times": False,
    "backreferences_dir": "generated/backreferences",
    "doc_module": ("crossmodal_cca",),
    "reference_url": {"crossmodal_cca": None},
}


def _skip_what_is_documented_elsewhere(app, what, name, obj, skip, options):
    """Leave methods inherited unchanged from scikit-learn to scikit-learn's own reference; the table lists them."""
    module = getattr(obj, "__module__", None) or type(obj).__module__
    return True if module.startswith("sklearn.") else skip


def _tidy_docstring(app, what, name, obj, options, lines):
    """Keep fitted attributes in prose (n_components_) from being read as links, which end in an underscore too."""
    bare = re.compile(r"(?<![\w\\])([A-Za-z]\w*)_(?=$|[\s'\")\]}>/:.,;!?*|-])")
    for i, line in enumerate(lines):
        if not line.lstrip().startswith((">>>", "...")):
            parts = re.split(r"(``.*?``|`.*?`)", line)
            lines[i] = "".join(p if p.startswith("`") else bare.sub(r"\1\_", p) for p in parts)


def setup(app):
    benchmark_figures.write()
    app.connect("autodoc-skip-member", _skip_what_is_documented_elsewhere)
    app.connect("autodoc-process-docstring", _tidy_docstring, priority=900)  # after numpydoc
