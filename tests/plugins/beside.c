/* A library that a plugin brings along, for good_beside.c. */
int beside_answer(void);
int beside_answer(void) { return 42; }
