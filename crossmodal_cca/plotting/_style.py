"""Colours that colour-blind readers tell apart (Okabe & Ito 2008), one meaning each."""

X_COLOR = "#0072B2"
Y_COLOR = "#D55E00"
CHANCE_COLOR = "#666666"
CYCLE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
LINES = ("-", "--")

# Okabe & Ito have eight colours. These ten are the sequence of Petroff (2021), Accessible color sequences for data
# visualization, found by a search under simulated colour blindness.
CLASS_COLORS = (
    "#3f90da",
    "#ffa90e",
    "#bd1f01",
    "#94a4a2",
    "#832db6",
    "#a96b59",
    "#e76300",
    "#b9ac70",
    "#717581",
    "#92dadd",
)
