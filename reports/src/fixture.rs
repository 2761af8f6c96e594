//! A realistic record made by code, with every kind of row and verdict, for tests and goldens.
