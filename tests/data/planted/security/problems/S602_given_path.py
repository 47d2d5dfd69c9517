import subprocess


def archive(path):
    subprocess.call(f"tar czf backup.tgz {path}", shell=True)
