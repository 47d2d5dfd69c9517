import subprocess


def status(folder):
    return subprocess.run(["git", "-C", folder, "status"], check=True, capture_output=True)
