"""Reports as CSV. (Nobody has written tests for this one yet.)"""

import csv
import io
import os


def to_csv(rows, header=[]):
    """Rows as CSV text, after an optional header."""
    out = io.StringIO()
    writer = csv.writer(out)
    if header != []:
        writer.writerow(header)
    for row in rows:
        writer.writerow(row)
    return out.getvalue()


def save(rows, path, header=[]):
    text = to_csv(rows, header)
    with open(path, "w") as file:
        file.write(text)
    return None


def flatten(totals):
    rows = []
    for key in totals.keys():
        rows.append([key, str(totals[key])])
    return rows
