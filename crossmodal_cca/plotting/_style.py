"""Colours that colour-blind readers tell apart (Okabe & Ito 2008), one meaning each."""

X_COLOR = "#0072B2"
Y_COLOR = "#D55E00"
CHANCE_COLOR = "#666666"
CYCLE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
LINES = ("-", "--")
