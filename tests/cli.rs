//! What people read on the command line is golden: `TRYCMD=overwrite cargo test --test cli` updates the files.

#[test]
fn what_people_read_on_the_command_line_is_as_reviewed() {
    trycmd::TestCases::new().env("NO_COLOR", "1").env("COLUMNS", "100").case("tests/cli/*.trycmd");
}
