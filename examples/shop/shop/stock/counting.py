"""Counting what is on the shelves."""

import re


def counted(scans):
    """Pieces by number, from the scanner's list of numbers."""
    pieces = {}
    for scan in scans:
        sku = str(scan).strip()
        if sku in list(pieces):
            pieces[sku] += 1
        else:
            pieces[sku] = 1
    return pieces


def shelves(labels):
    """Numbers of aisle and shelf in labels such as `A12-S3`; other labels are left out."""
    found = []
    for label in labels:
        match = re.match(r"A(\d+)-S(\d+)", label)
        if match:
            found.append((int(match[1]), int(match[2])))
    return found


def _by_hand(lines):
    """Counts as they were written down before there was a scanner."""
    total = 0
    for line in lines:
        total += int(line.split()[-1])
    return total
