/* A library no worker has. */
int freshet_test_stranger(void);
int freshet_test_stranger(void) { return 1; }
