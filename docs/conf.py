"""How the site is built: `make docs`, without a network; every warning is an error there."""

import sys
from importlib.util import find_spec
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_extensions"))

import findings

import rnnkit

DOCS = Path(__file__).parent
MATHJAX = Path(find_spec("sphinx-mathjax-offline").origin).parent / "static" / "mathjax"
RESULTS, COPY = DOCS.parent / "results", DOCS / "findings" / "results"
findings.copy(RESULTS, COPY)
(COPY / "experiments.md").write_text(findings.table(DOCS.parent / "experiments", RESULTS), encoding="utf-8")

project = "rnnkit"
author = "the authors of rnnkit"
version = release = rnnkit.__version__
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx_gallery.gen_gallery", "hooks"]
exclude_patterns = [
    "_extensions",
    "gallery",
    "findings/results/experiments.md",
    "learn/gallery/*.ipynb",
    "learn/gallery/*.py",
    "**/.ipynb_checkpoints",
]
suppress_warnings = ["config.cache"]  # classes of sphinx-gallery's configuration cannot be pickled

html_theme = "furo"
html_title = f"rnnkit {release}"
html_static_path = ["_static", str(MATHJAX / "tex-svg.js")]
mathjax_path = "tex-svg.js"  # formulas without a network
html_css_files = ["site.css"]
html_copy_source = False
html_show_copyright = html_show_sphinx = False
html_theme_options = {"navigation_with_keys": True}

myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 3
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 120  # seconds for one cell of a notebook
nb_merge_streams = True

nitpicky = True
nitpick_ignore_regex = [
    ("py:.*", r"(?!rnnkit\b).*"),  # not ours
    ("py:.*", r"rnnkit\.(.*\.)?_.*"),  # not public
    ("py:.*", r".*\.(Fixed|LayerWeights|Result|Work|Progress|Job)"),  # of signatures alone
]

autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_typehints_format = "short"
python_maximum_signature_line_length = 88
python_use_unqualified_type_names = True
toc_object_entries_show_parents = "hide"

sphinx_gallery_conf = {
    "examples_dirs": "gallery",
    "gallery_dirs": "learn/gallery",
    "filename_pattern": r"plot_",
    "within_subsection_order": "FileNameSortKey",
    "reset_modules": ("matplotlib",),
    "reset_modules_order": "both",
    "show_memory": False,
    "write_computation_times": False,
    "show_signature": False,
    "remove_config_comments": True,
    "download_all_examples": False,
    "abort_on_example_error": True,
    "image_scrapers": ("matplotlib",),
}
