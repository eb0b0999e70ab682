#pragma once

#include "runtime/manifest/manifest.h"
#include "runtime/wire/messages.h"

namespace freshet::wire {

// A list of short strings, each capped.
template <class A, class L>
void visit_names(A& a, L& names, std::size_t cap = kMaxKinds) {
  a.list(names, cap, [](auto& x, auto& s) { x.string(s, kMaxName); });
}

// Which alternative of a TypedValue follows.
enum class ValueKind : std::uint8_t { boolean = 0, integer, number, string, strings };

template <class A, Is<manifest::TypedValue> M>
void visit(A& a, M& m) {
  auto kind = static_cast<ValueKind>(m.index());
  a.enumeration(kind, ValueKind::strings);
  if constexpr (A::kDecoding) {
    switch (kind) {
      case ValueKind::boolean: m = false; break;
      case ValueKind::integer: m = std::int64_t{0}; break;
      case ValueKind::number: m = 0.0; break;
      case ValueKind::string: m = std::string(); break;
      case ValueKind::strings: m = std::vector<std::string>(); break;
    }
  }
  if (auto* flag = std::get_if<0>(&m)) a.boolean(*flag);
  else if (auto* integer = std::get_if<1>(&m)) a.number(*integer);
  else if (auto* real = std::get_if<2>(&m)) a.number(*real);
  else if (auto* text = std::get_if<3>(&m)) a.string(*text, kMaxSettingText);
  else if (auto* texts = std::get_if<4>(&m)) a.list(*texts, kMaxSettings, [](auto& x, auto& s) { x.string(s, kMaxSettingText); });
}

template <class A, Is<manifest::SettingSchema> M>
void visit(A& a, M& m) {
  a.string(m.name, kMaxName);
  auto tag = static_cast<SettingTag>(static_cast<unsigned>(m.type) - 1);  // the same list, from 0
  a.enumeration(tag, SettingTag::strings);
  if constexpr (A::kDecoding) {
    m.type = static_cast<manifest::SettingType>(static_cast<unsigned>(tag) + 1);
    m.default_value.reset();
    m.range.reset();
  }
  a.string(m.doc, kMaxText);
  bool has_default = m.default_value.has_value();
  a.boolean(has_default);
  if (has_default) {
    if constexpr (A::kDecoding) m.default_value.emplace();
    visit(a, *m.default_value);
  }
  bool has_range = m.range.has_value();
  a.boolean(has_range);
  if (has_range) {
    if constexpr (A::kDecoding) m.range.emplace();
    a.number(m.range->first);
    a.number(m.range->second);
  }
  a.list(m.values, kMaxSettings, [](auto& x, auto& s) { x.string(s, kMaxName); });
}

template <class A, Is<manifest::TaskKind> M>
void visit(A& a, M& m) {
  a.string(m.name, kMaxName);
  a.string(m.doc, kMaxText);
  visit_names(a, m.after);
  visit_names(a, m.requires_);
  a.boolean(m.guard);
  a.list(m.settings, kMaxSettings, [](auto& x, auto& s) { visit(x, s); });
}

template <class A, Is<manifest::RequestedLock> M>
void visit(A& a, M& m) {
  a.string(m.path, kMaxText);
  a.boolean(m.posix);
}

// Probe to manager: what the plugin's file says of itself.
struct Inspected {
  static constexpr auto kType = MessageType::inspected;
  manifest::Manifest manifest;
  bool stripped = false;
  manifest::LibrarySet libraries = 0;
  bool relro = false;
  bool bind_now = false;
  std::vector<std::string> names;  // "walk+28", of the addresses that were asked for; empty: unknown
};
template <class A, Is<Inspected> M>
void visit(A& a, M& m) {
  a.string(m.manifest.id, 128);
  a.string(m.manifest.version, kMaxName);
  a.string(m.manifest.license, kMaxName);
  a.string(m.manifest.doc, kMaxText);
  a.number(m.manifest.abi_min.major);
  a.number(m.manifest.abi_min.minor);
  a.number(m.manifest.abi_below.major);
  a.number(m.manifest.abi_below.minor);
  visit_names(a, m.manifest.required_permissions);
  visit_names(a, m.manifest.optional_permissions);
  a.number(m.manifest.limits.memory_bytes);
  a.number(m.manifest.limits.cpu_ns);
  a.number(m.manifest.limits.wall_ns);
  a.number(m.manifest.limits.threads);
  a.number(m.manifest.limits.fds);
  a.boolean(m.manifest.irreversible);
  a.list(m.manifest.locks, manifest::kMaxRequestedLocks, [](auto& x, auto& l) { visit(x, l); });
  a.list(m.manifest.kinds, kMaxKinds, [](auto& x, auto& k) { visit(x, k); });
  a.boolean(m.stripped);
  a.number(m.libraries);
  a.boolean(m.relro);
  a.boolean(m.bind_now);
  a.list(m.names, Inspect::kMaxAddresses, [](auto& x, auto& s) { x.string(s, kMaxName); });
}

}  // namespace freshet::wire
