/** The one command that is ever asked for; all that differs stands in files beside it. */
export const COMMAND = "sh reflex.sh";

/**
 * What runs in the cluster: a text that never changes. It reads its requests line by line from a file and uses every word
 * only within quotes, and only as the value of an option or as a path that begins with a slash. Answers go out packed where
 * the tools for it are there, between lines that nobody in the cluster can foresee. A change is not begun after its time.
 */
export const SCRIPT = `set -u
read -r boundary until seconds < about
work=$(mktemp -d 2>/dev/null) || work=.
packing=plain
if [ "$(printf reflex | gzip -c 2>/dev/null | base64 2>/dev/null | base64 -d 2>/dev/null | gzip -dc 2>/dev/null)" = reflex ]; then
  packing=gzip
fi
show() {
  if [ "$packing" = gzip ]; then gzip -c | base64; else cat; fi
}
number=0
while read -r verb place namespace name kind manager most <&3; do
  number=$((number + 1))
  if [ "$verb" != get ] && [ "$(date +%s)" -gt "$until" ]; then
    printf '\\n%s late %s\\n' "$boundary" "$number"
    continue
  fi
  case "$verb" in
    get)
      kubectl get --raw="$place" --request-timeout="$seconds"s </dev/null >"$work/out" 2>"$work/err"
      ;;
    create | delete)
      kubectl "$verb" --raw="$place" --filename="body-$number.json" --request-timeout="$seconds"s </dev/null >"$work/out" 2>"$work/err"
      ;;
    patch)
      set -- --type="$kind" --patch-file="body-$number.json" --field-manager="$manager" --output=json --show-managed-fields=true --request-timeout="$seconds"s
      if [ "$namespace" != - ]; then set -- --namespace="$namespace" "$@"; fi
      kubectl patch "$place" "$name" "$@" </dev/null >"$work/out" 2>"$work/err"
      ;;
    *)
      false
      ;;
  esac
  code=$?
  printf '\\n%s answer %s %s %s %s\\n' "$boundary" "$number" "$code" "$packing" "$(wc -c <"$work/out" | tr -d ' ')"
  head -c "$most" "$work/out" | show
  printf '\\n%s words %s\\n' "$boundary" "$number"
  head -c 8192 "$work/err" | show
  printf '\\n%s end %s\\n' "$boundary" "$number"
done 3<requests
printf '\\n%s done %s\\n' "$boundary" "$number"
`;
