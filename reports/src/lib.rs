//! Judges and shows: reads run records only, measures nothing, prints nothing.
