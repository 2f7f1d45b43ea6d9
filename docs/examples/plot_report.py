"""
A page for a colleague
======================

Does a shared space help for these two tables, and how much? `report` answers on one page, which is a single file that
needs no network. This one is about the bundled emoji: their pictures as features, and their names.
"""

# %%
# The captions say what searches show. With an `aligner` the page is about that model and comes in seconds; without
# one, PLS, CCA and kernel CCA are compared first, with settings chosen inside the training part.

import crossmodal_cca
from crossmodal_cca import CCA
from crossmodal_cca.datasets import load_emoji

data = load_emoji()
page = crossmodal_cca.report(
    data.image,
    data.text,
    aligner=CCA(n_components=100, shrinkage=0.6, power=1.0),
    groups=data.base_name,
    labels=data.group_names[data.group],
    x_captions=data.emoji,
    y_captions=data.names["en"],
    names=("picture", "name"),
    n_shuffles=5,
)
print(page.verdict)

# %%
# A notebook shows the page as itself; `page.to_html("report.html")` writes it, and `page.to_markdown()` is the same as
# text. From two files: `crossmodal-cca report X Y -o report.html`. The guide has the rules of the verdict.

page
