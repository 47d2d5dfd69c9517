# Runs inside the sandbox before the command: copies what it was given, limits its processes, and
# waits until the supervisor has opened both directories, before anything of the target runs.
set -e
processes=$1 given=$2 workspace=$3 tree=$4
shift 4
cp -a "/.given/$given" "$workspace/"
cd "$tree"
printf . >&3
read -r _ <&4
exec 3>&- 4<&-
set +e
# The option is -u in bash and -p in dash.
ulimit -u "$processes" 2>/dev/null || ulimit -p "$processes" || exit 126
command -v "$1" >/dev/null || { echo "groundswell: cannot run $1: No such file or directory"; exit 127; }
exec "$@"
