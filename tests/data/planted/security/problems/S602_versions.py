import subprocess
from subprocess import check_output


def revision():
    return check_output("git rev-parse --short HEAD", shell=True, text=True).strip()


def clean(folder):
    subprocess.run(
        'git clean -d --force --exclude="*.keep"',
        cwd=folder,
        shell=True,
        check=True,
    )
