import os
import shutil
import tempfile


class Report:
    """Writes a report and moves it to where it belongs."""

    def __init__(self, rows):
        self.rows = rows

    def save(self, target):
        # The report must never be seen half written.
        name = tempfile.mktemp(suffix=".csv", dir=os.path.dirname(target))
        with open(name, "w", encoding="utf-8") as out:
            for row in self.rows:
                out.write(",".join(row) + "\n")
        shutil.move(name, target)
