#!/bin/sh
# Prints a header with its plain comments made into Doxygen's: a comment before a declaration is its text, one behind it on the
# same line too.
exec sed -E -e 's@^([[:space:]]*)//( |$)@\1///\2@' -e 's@^([[:space:]]*)/\* @\1/** @' -e 's@([;,{}] +)/\* @\1/**< @' -e 's@([;,{}] +)// @\1///< @' "$1"
