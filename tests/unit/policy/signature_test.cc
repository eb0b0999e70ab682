#include "runtime/policy/signature.h"

#include <gtest/gtest.h>
#include <sodium.h>

#include <chrono>
#include <limits>
#include <string>
#include <vector>

namespace freshet::policy {
namespace {

std::string base64(const std::vector<unsigned char>& bytes) {
  std::string out(sodium_base64_encoded_len(bytes.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
  sodium_bin2base64(out.data(), out.size(), bytes.data(), bytes.size(), sodium_base64_VARIANT_ORIGINAL);
  out.pop_back();
  return out;
}

struct Signer {
  std::array<unsigned char, crypto_sign_PUBLICKEYBYTES> open{};
  std::array<unsigned char, crypto_sign_SECRETKEYBYTES> secret{};

  Signer() {
    if (sodium_init() < 0) std::abort();
    crypto_sign_keypair(open.data(), secret.data());
  }
  std::string key(const std::string& more = "") const {
    std::vector<unsigned char> bytes{'E', 'd', 1, 2, 3, 4, 5, 6, 7, 0xAB};
    bytes.insert(bytes.end(), open.begin(), open.end());
    return "untrusted comment: minisign public key\n" + base64(bytes) + "\n" + more;
  }
  std::string sign(const std::string& file, bool hashed = true, const std::string& comment = "when: now") const {
    std::vector<unsigned char> message(file.begin(), file.end());
    if (hashed) {
      message.resize(64);
      crypto_generichash(message.data(), 64, reinterpret_cast<const unsigned char*>(file.data()), file.size(), nullptr, 0);
    }
    std::vector<unsigned char> bytes{'E', static_cast<unsigned char>(hashed ? 'D' : 'd'), 1, 2, 3, 4, 5, 6, 7, 0xAB};
    std::vector<unsigned char> signature(crypto_sign_BYTES);
    crypto_sign_detached(signature.data(), nullptr, message.data(), message.size(), secret.data());
    bytes.insert(bytes.end(), signature.begin(), signature.end());
    signature.insert(signature.end(), comment.begin(), comment.end());
    std::vector<unsigned char> global(crypto_sign_BYTES);
    crypto_sign_detached(global.data(), nullptr, signature.data(), signature.size(), secret.data());
    return "untrusted comment: x\n" + base64(bytes) + "\ntrusted comment: " + comment + "\n" + base64(global) + "\n";
  }
};

bool verifies(const std::string& signature, const std::string& key, const std::string& file) {
  const Result<Signature> parsed = parse_signature(signature);
  const Result<TrustedKey> trusted = parse_trusted_key(key, "k", "k.pub");
  return parsed && trusted && is_good(*parsed, *trusted, {reinterpret_cast<const unsigned char*>(file.data()), file.size()});
}

TEST(Signature, BothFormsVerify) {
  const Signer signer;
  for (const bool hashed : {true, false}) EXPECT_TRUE(verifies(signer.sign("bytes", hashed), signer.key(), "bytes"));
  EXPECT_TRUE(verifies(signer.sign(""), signer.key(), ""));
}

TEST(Signature, AnyOtherByteDoesNot) {
  const Signer signer;
  const Signer other;
  const std::string good = signer.sign("bytes");
  EXPECT_FALSE(verifies(good, signer.key(), "byteS"));
  EXPECT_FALSE(verifies(good, other.key(), "bytes"));
  std::size_t tried = 0;
  for (std::size_t i = good.find('\n') + 1; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = bad[i] == 'A' ? 'B' : 'A';
    if (bad == good) continue;
    ++tried;
    EXPECT_FALSE(verifies(bad, signer.key(), "bytes")) << i;
  }
  EXPECT_GT(tried, 150U);
}

TEST(Signature, ATruncatedOneDoesNotParse) {
  const std::string good = Signer().sign("bytes");
  ASSERT_TRUE(parse_signature(good));
  ASSERT_TRUE(parse_signature(std::string_view(good).substr(0, good.size() - 1)));  // without the last newline
  for (std::size_t length = 0; length + 1 < good.size(); ++length) {
    const Result<Signature> cut = parse_signature(std::string_view(good).substr(0, length));
    ASSERT_FALSE(cut) << length;
    EXPECT_EQ(cut.error().code, "F1064");
  }
  EXPECT_FALSE(parse_signature(good + "more"));
  EXPECT_FALSE(parse_signature(good + std::string(kMaxSignatureBytes, '\n')));
}

TEST(TrustedKey, LimitsStandBelowTheKey) {
  const Signer signer;
  const Result<TrustedKey> plain = parse_trusted_key(signer.key(), "vendor", "vendor.pub");
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->name, "vendor");
  EXPECT_EQ(to_string(plain->id), "AB07060504030201");
  EXPECT_FALSE(plain->valid_from_ns || plain->valid_until_ns || !plain->plugins.empty());
  const Result<TrustedKey> limited =
      parse_trusted_key(signer.key("valid-from = 2026-01-31\nvalid-until = 2027-02-28\nplugins = [\"org.example\", \"net.\"]\n"), "v", "v.pub");
  ASSERT_TRUE(limited) << limited.error().detail;
  using namespace std::chrono_literals;
  EXPECT_EQ(*limited->valid_from_ns, std::chrono::nanoseconds(std::chrono::sys_days(2026y / 1 / 31).time_since_epoch()).count());
  EXPECT_EQ(*limited->valid_until_ns, std::chrono::nanoseconds(std::chrono::sys_days(2027y / 2 / 28).time_since_epoch()).count());
  for (const char* id : {"org.example", "org.example.logs", "net.logs"}) EXPECT_TRUE(may_sign_for(*limited, id)) << id;
  for (const char* id : {"org.examples.logs", "org", "network.logs", "com.example"}) EXPECT_FALSE(may_sign_for(*limited, id)) << id;
  EXPECT_TRUE(may_sign_for(*plain, "anything.at.all"));
}

TEST(TrustedKey, DatesThatNanosecondsDoNotReachAreAlwaysOverOrNever) {
  const Signer signer;
  for (const char* early : {"0000-01-01", "1013-01-31", "1677-12-31"}) {
    const Result<TrustedKey> key = parse_trusted_key(signer.key(std::string("valid-until = ") + early + "\n"), "v", "v.pub");
    ASSERT_TRUE(key) << early << key.error().detail;
    EXPECT_EQ(*key->valid_until_ns, std::numeric_limits<std::int64_t>::min()) << early;
  }
  for (const char* late : {"2262-01-01", "9999-12-31"}) {
    const Result<TrustedKey> key = parse_trusted_key(signer.key(std::string("valid-until = ") + late + "\n"), "v", "v.pub");
    ASSERT_TRUE(key) << late << key.error().detail;
    EXPECT_EQ(*key->valid_until_ns, std::numeric_limits<std::int64_t>::max()) << late;
  }
  using namespace std::chrono_literals;
  for (const auto& [text, day] : {std::pair{"1678-01-01", 1678y / 1 / 1}, std::pair{"2261-12-31", 2261y / 12 / 31}}) {
    const Result<TrustedKey> key = parse_trusted_key(signer.key(std::string("valid-until = ") + text + "\n"), "v", "v.pub");
    ASSERT_TRUE(key) << text << key.error().detail;
    EXPECT_EQ(*key->valid_until_ns, std::chrono::nanoseconds(std::chrono::sys_days(day).time_since_epoch()).count()) << text;
  }
}

TEST(TrustedKey, WhatIsNotUnderstoodIsRefusedWithItsLine) {
  const Signer signer;
  const auto refusal = [](const std::string& text) {
    const Result<TrustedKey> key = parse_trusted_key(text, "v", "/k/v.pub");
    EXPECT_TRUE(key || key.error().code == "F1067");
    return key ? std::string() : key.error().what;
  };
  EXPECT_NE(refusal("").find("v.pub:1:"), std::string::npos);
  EXPECT_NE(refusal("untrusted comment: x\nRWQ\n").find("v.pub:2:"), std::string::npos);
  EXPECT_NE(refusal(signer.key("valid-from = \"2026-01-31\"\n")).find("v.pub:3:"), std::string::npos);
  EXPECT_NE(refusal(signer.key("\nvalid-form = 2026-01-31\n")).find("v.pub:4:"), std::string::npos);
  EXPECT_NE(refusal(signer.key("plugins = [\"\"]\n")), "");
  EXPECT_NE(refusal(signer.key("valid-from = 2026-02-30\n")), "");
  EXPECT_NE(refusal(signer.key(std::string(kMaxKeyBytes, '#'))), "");
  EXPECT_NE(refusal(signer.key(std::string(8000, '['))), "");
}

}  // namespace
}  // namespace freshet::policy
