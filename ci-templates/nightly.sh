#!/usr/bin/env bash
# A night of your own images, from cron, Jenkins or a schedule of GitLab: docs/nightly.md tells how to use it.
#
#   nightly.sh IMAGE…
#
# Analyses each image, makes it small, measures both, adds the results to a history, draws charts and pages. Ends with 13
# when a figure that gates got worse, with another code when something failed; what was kept before stays as it was.
#
#   SLIMML_REPORTS  directory of the history, charts and pages (slimml-reports)
#   SLIMML_PROBES   file of probes (docs/probes.md); else those of slimml.toml, else guessed
#   SLIMML_LEVEL    how much risk is taken (likely)
#   SLIMML_BENCH    options of bench (--rounds 5 --links 100mbit)
#   SLIMML_COMMIT   1 commits the reports in the repository that they lie in; push pushes them, too
set -euo pipefail

[ "$#" -gt 0 ] || { echo 'nightly.sh: name an image' >&2; exit 2; }
reports=${SLIMML_REPORTS:-slimml-reports}
read -ra bench <<< "${SLIMML_BENCH:---rounds 5 --links 100mbit}"
probes=()
[ -z "${SLIMML_PROBES:-}" ] || probes=(--probes "$SLIMML_PROBES")
mkdir -p "$reports"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Two nights at once would measure one another.
exec 9> "$reports/.lock"
flock 9

# A file appears whole or not at all.
place() {
  cp "$1" "$reports/.$2.new"
  mv "$reports/.$2.new" "$reports/$2"
}

keep() {
  slimml history add --quiet --history "$reports/history" --suite "${SLIMML_SUITE:-1}" "$@"
}

worst=0
for image in "$@"; do
  # docker://registry.example.org:5000/team/app:main@sha256:… is app.
  name=$(sed -E 's,^(docker-daemon|docker-archive|oci|oci-archive):,,; s,@.*,,; s,.*/,,; s,:[^:]*$,,' <<< "$image")
  slim="oci:$work/$name:slim"
  slimml analyze --quiet --json -- "$image" > "$work/analysis.json"
  slimml optimize --quiet --json --yes --level "${SLIMML_LEVEL:-likely}" --output "$slim" --html "$work/page.html" \
    "${probes[@]}" -- "$image" > "$work/optimize.json"
  slimml bench --quiet --json "${bench[@]}" "${probes[@]}" -- "$image" "$slim" > "$work/bench.json"
  keep --name "$name" "$work/analysis.json"
  keep --name "$name, slim" "$work/optimize.json"
  keep --name "$name" --name "$name, slim" "$work/bench.json"
  code=0
  slimml trend --quiet --history "$reports/history" --picture "$work/trends.png" -- "$name" > "$work/trends.txt" || code=$?
  cat "$work/trends.txt"
  place "$work/page.html" "$name.html"
  [ "$code" -eq 0 ] || [ "$code" -eq 13 ] || exit "$code"
  place "$work/trends.png" "$name.png"
  place "$work/trends.txt" "$name.txt"
  [ "$code" -eq 0 ] || worst=$code
done

if [ -n "${SLIMML_COMMIT:-}" ]; then
  git -C "$reports" add --all -- . ':!.lock'
  git -C "$reports" diff --cached --quiet || git -C "$reports" commit --quiet --message 'Keep the results of a night'
  [ "$SLIMML_COMMIT" != push ] || { git -C "$reports" pull --quiet --rebase && git -C "$reports" push --quiet; }
fi
exit "$worst"
