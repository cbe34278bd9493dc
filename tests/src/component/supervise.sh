# supervise DIR SIGNAL LOG COMMAND...
#
# Runs COMMAND beside the test that needs it, prints its process id, and watches standard input. When the other end of
# that pipe closes, because the test is done or because it died in whatever way, COMMAND gets SIGNAL and DIR goes.
# The last thing printed is COMMAND's exit status.
dir=$1 signal=$2 log=$3
shift 3
grace_secs=10 # after which a component that ignores its signal is killed

exec 3<&0
# A write past the limit of a file's size then fails, as it does on a full disk, instead of killing.
trap '' XFSZ
"$@" </dev/null >>"$log" 2>&1 3<&- &
component=$!
echo "$component"

{
  cat <&3
  touch "$dir/stopping"
  kill -s "$signal" "$component"
  sleep "$grace_secs"
  kill -s KILL "$component"
} >/dev/null 2>&1 &

exec 3<&-
wait "$component" 2>/dev/null
status=$?
if [ -e "$dir/stopping" ]; then rm -rf "$dir"; fi
# A test that died reads nothing any more, and that must not keep this shell from cleaning up.
trap '' PIPE
echo "$status" 2>/dev/null
# What is left of the process group goes too: this shell, the watcher, and whatever the component left behind.
kill -s KILL 0
