import subprocess


def sizes():
    return subprocess.check_output("du -s * | sort -n", shell=True)


def environment():
    subprocess.run("cd build && make", shell=True, check=True)
    subprocess.run("CC=clang make", shell=True, check=True)
    subprocess.run("echo $PATH", shell=True, check=True)
