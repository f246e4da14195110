#!/usr/bin/env python3
"""Counts the test cases of one `bazel test` run: count_tests.py EVENTS.json BAZEL_STATUS

Reads Bazel's build events to learn which targets ran, and each target's test.xml for the cases in
it, so logs of earlier runs do not count. A target that gave no cases (it did not build, crashed or
timed out) counts as one failure. Prints `N passed, N failed[, N skipped]` as its only line on
standard output and exits with 0 only if nothing failed and Bazel itself was content.
"""

import json
import sys
import urllib.parse
import urllib.request
import xml.etree.ElementTree as ET


def read_events(path):
    with open(path, encoding="utf-8") as file:
        for line in file:
            if line.strip():
                yield json.loads(line)


def cases_of(label, xml_path):
    """Returns (passed, failed, skipped) of one test.xml; tells each skipped case and why."""
    passed = failed = skipped = 0
    for case in ET.parse(xml_path).getroot().iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
        elif case.get("status") == "notrun":  # disabled in the source
            skipped += 1
        elif case.get("result") == "skipped" or case.find("skipped") is not None:
            skipped += 1
            reason = case.find("skipped")
            why = (reason.get("message") or "") if reason is not None else ""
            print(f"SKIPPED {label} {case.get('name')}: {' '.join(why.split())}", file=sys.stderr)
        else:
            passed += 1
    return passed, failed, skipped


def log_path(outputs):
    for output in outputs:
        if output.get("name") == "test.xml" and "uri" in output:
            return urllib.request.url2pathname(urllib.parse.urlparse(output["uri"]).path)
    return None


def main():
    passed = failed = skipped = 0
    logs = {}  # (label, run, shard) -> (attempt, test.xml, status)
    summaries = {}  # label -> overall status
    for event in read_events(sys.argv[1]):
        identity = event.get("id", {})
        if "testResult" in identity and "testResult" in event:
            key = identity["testResult"]
            attempt = int(key.get("attempt", 1))
            place = (key["label"], int(key.get("run", 1)), int(key.get("shard", 1)))
            if place not in logs or logs[place][0] <= attempt:
                result = event["testResult"]
                logs[place] = (attempt, log_path(result.get("testActionOutput", [])),
                               result.get("status", "NO_STATUS"))
        elif "testSummary" in identity and "testSummary" in event:
            summaries[identity["testSummary"]["label"]] = event["testSummary"]["overallStatus"]

    for (label, _, _), (_, path, status) in sorted(logs.items()):
        counts = (0, 0, 0)
        if path is not None:
            try:
                counts = cases_of(label, path)
            except (OSError, ET.ParseError) as error:
                print(f"{label}: unreadable test.xml: {error}", file=sys.stderr)
        if status not in ("PASSED", "FLAKY") and counts[1] == 0:
            counts = (counts[0], 1, counts[2])
        elif sum(counts) == 0:
            print(f"{label}: no test case in its log", file=sys.stderr)
            counts = (0, 1, 0)
        if counts[1]:
            print(f"FAILED {label}: {counts[1]} ({status})", file=sys.stderr)
        passed, failed, skipped = passed + counts[0], failed + counts[1], skipped + counts[2]

    for label, status in sorted(summaries.items()):
        if not any(place[0] == label for place in logs):
            print(f"FAILED {label}: {status}", file=sys.stderr)
            failed += 1

    bazel_status = int(sys.argv[2])
    if bazel_status != 0 and failed == 0:
        # The build broke in a target that is no test, or Bazel did not get as far as testing.
        print(f"bazel ended with status {bazel_status}", file=sys.stderr)
        failed += 1
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
