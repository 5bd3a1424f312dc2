// What this process was doing in a plugin, for the case that it does not survive it.
//
// A library that crashes in a constructor, calls exit() or lets an exception out of one takes the
// process with it, and nobody would know which file it was. Calls into plugins that are not on a
// loop say beforehand what they are about; FatalNotes writes that to standard error at the end.
#pragma once

#include <cstddef>
#include <string>

namespace nexus {

// While it lives, this thread does what `text` says: "while loading plugin '/x.so'". One line,
// which has to live as long. They nest. [any]
class NoteScope {
 public:
  explicit NoteScope(const char* text);
  ~NoteScope();
  NoteScope(const NoteScope&) = delete;
  NoteScope& operator=(const NoteScope&) = delete;

 private:
  const char* const before_;
};

// Remembers which addresses a loaded library has, so that a crash in it can be told from others.
// `address` is one of them. [any]
void note_library(const void* address, const std::string& path);

// For programs that want it, from before the first plugin is loaded to the end of main(). At a
// crash, at an exit() that the program did not ask for, and at an exception that nobody catches,
// one line that begins with `program` goes to standard error. A crash then takes its usual course;
// the other two end the process with `exit_status`. One in a process. [main]
class FatalNotes {
 public:
  FatalNotes(const char* program, int exit_status);
  ~FatalNotes();
  FatalNotes(const FatalNotes&) = delete;
  FatalNotes& operator=(const FatalNotes&) = delete;

  static void set_exit_status(int status);
};

}  // namespace nexus
