# All of the sandbox, of channels and brokers, and every hostile case: a quarter of an hour, by hand.
source "$SOURCE/tests/kernel/lib.sh"

tests unit_sandbox '*'
tests unit_channel '*'
tests unit_broker '*'
hostile ''
