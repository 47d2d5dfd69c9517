# Inside the sandbox, before the command: its own copy of what it was given, a limit on processes, and
# a word with the supervisor, which opens both directories before anything of the target runs.
set -e
processes=$1 given=$2 room=$3 tree=$4
shift 4
cp -a "/.given/$given" "$room/"
cd "$tree"
printf . >&3
read -r _ <&4
exec 3>&- 4<&-
set +e
# bash says -u, dash says -p.
ulimit -u "$processes" 2>/dev/null || ulimit -p "$processes" || exit 126
command -v "$1" >/dev/null || { echo "groundswell: cannot run $1: No such file or directory"; exit 127; }
exec "$@"
