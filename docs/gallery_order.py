"""The order of the gallery: for reading, the introduction first."""

READING = (
    "plot_emoji_retrieval.py",
    "plot_report.py",
    "plot_captions.py",
    "plot_failing.py",
    "plot_drift.py",
    "plot_choosing.py",
    "plot_retrieval.py",
    "plot_kernel_cca.py",
    "plot_sparse_text.py",
    "plot_transfer.py",
    "plot_encoders.py",
)


class ReadingOrder:
    """Key by which Sphinx-Gallery sorts the files of a folder; a file that is not listed comes last, by its name."""

    def __init__(self, src_dir):
        self.src_dir = src_dir

    def __call__(self, filename):
        place = READING.index(filename) if filename in READING else len(READING)
        return f"{place:03d} {filename}"
