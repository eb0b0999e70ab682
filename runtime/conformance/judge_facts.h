#pragma once

#include "runtime/conformance/verdict_book.h"
#include "runtime/wire/manifest_message.h"

namespace freshet::conformance {

// What a file that was not refused, and its manifest, say without running.
void judge_facts(const wire::Inspected& facts, VerdictBook& book);

}  // namespace freshet::conformance
