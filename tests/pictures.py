"""What tests of pictures ask of a display."""

from crossmodal_cca.plotting._labels import Labels


def labels_of(display):
    """Labels beside points that are shown where there is room, if any, once the picture is drawn."""
    found = display.ax_.findobj(Labels)
    if found:
        display.figure_.canvas.draw()
    return [text for labels in found for text in labels.shown]
