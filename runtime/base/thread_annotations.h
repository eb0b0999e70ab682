#pragma once

// What clang's thread-safety analysis (-Wthread-safety) reads; nothing for other compilers. std::mutex of libstdc++ is
// not annotated, so the analysis sees only locks of runtime/base/mutex.h.

#if defined(__clang__)
#define FRESHET_THREAD_ANNOTATION(...) __attribute__((__VA_ARGS__))
#else
#define FRESHET_THREAD_ANNOTATION(...)
#endif

// On a class: its objects are locks. `what` is the word warnings use for them.
#define FRESHET_CAPABILITY(what) FRESHET_THREAD_ANNOTATION(capability(what))

// On a class: its objects hold a lock from construction to destruction.
#define FRESHET_SCOPED_CAPABILITY FRESHET_THREAD_ANNOTATION(scoped_lockable)

// On a member: read and written only while `mutex` is held. On a pointer or smart pointer, FRESHET_PT_GUARDED_BY guards
// what it points to instead of the pointer.
#define FRESHET_GUARDED_BY(mutex) FRESHET_THREAD_ANNOTATION(guarded_by(mutex))
#define FRESHET_PT_GUARDED_BY(mutex) FRESHET_THREAD_ANNOTATION(pt_guarded_by(mutex))

// On a function, or a lambda after its parameter list: the caller holds the locks, before and after.
#define FRESHET_REQUIRES(...) FRESHET_THREAD_ANNOTATION(requires_capability(__VA_ARGS__))

// On a function: the caller does not hold the locks (it takes them itself, or calls into foreign code).
#define FRESHET_EXCLUDES(...) FRESHET_THREAD_ANNOTATION(locks_excluded(__VA_ARGS__))

// On a function: takes or lets go of the locks; without arguments, of the object itself.
#define FRESHET_ACQUIRE(...) FRESHET_THREAD_ANNOTATION(acquire_capability(__VA_ARGS__))
#define FRESHET_RELEASE(...) FRESHET_THREAD_ANNOTATION(release_capability(__VA_ARGS__))

// On a mutex that is a member: the order in which several are taken. Checked only with -Wthread-safety-beta.
#define FRESHET_ACQUIRED_AFTER(...) FRESHET_THREAD_ANNOTATION(acquired_after(__VA_ARGS__))

// On a function that returns a reference to the lock `mutex`.
#define FRESHET_RETURN_CAPABILITY(mutex) FRESHET_THREAD_ANNOTATION(lock_returned(mutex))

// On a function that the analysis cannot follow; say beside it why it is right nevertheless.
#define FRESHET_NO_THREAD_SAFETY_ANALYSIS FRESHET_THREAD_ANNOTATION(no_thread_safety_analysis)
