// The program's check of itself: a load generator that miscounts or misspells measures nothing.
#pragma once

#include <string>

namespace bench {

// Prints what is wrong; 0 if nothing is. Takes a fraction of a second and no network.
int selftest();

// What the checks in the selftest_*.cpp files report to.
class Checks {
 public:
  void expect(bool condition, const char* what, int line);
  // Binary strings are compared and shown in hexadecimal.
  void equal(const std::string& got, const std::string& wanted, const char* what, int line);
  int failed() const { return failed_; }
  int made() const { return made_; }

 private:
  int failed_ = 0, made_ = 0;
};

void check_statistics(Checks& checks);
void check_formats(Checks& checks);
void check_framing(Checks& checks);
void check_engine(Checks& checks);

}  // namespace bench

#define EXPECT(condition) checks.expect((condition), #condition, __LINE__)
#define EQUAL(got, wanted) checks.equal((got), (wanted), #got, __LINE__)
