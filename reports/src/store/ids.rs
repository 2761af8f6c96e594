//! Finding a file of a folder by what its id begins with; ids begin with their time. Runs, which are found by what their
//! files say, are `directory`'s affair.

use super::StoreError;
use std::fs;
use std::path::{Path, PathBuf};

/// Ids of the files with an extension, oldest first.
pub(super) fn ids(folder: &Path, extension: &str) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.filter_map(Result::ok).map(|entry| entry.path());
    let files = paths.filter(|path| path.extension().is_some_and(|e| e == extension));
    let mut ids: Vec<String> =
        files.filter_map(|path| Some(path.file_stem()?.to_string_lossy().into_owned())).collect();
    ids.sort();
    ids
}

/// The file that `latest`, an id or its beginning means; none where there is none.
///
/// # Errors
/// [`StoreError::Ambiguous`].
pub(super) fn locate(folder: &Path, extension: &str, name: &str) -> Result<Option<PathBuf>, StoreError> {
    let path = |id: &str| folder.join(format!("{id}.{extension}"));
    if path(name).is_file() {
        return Ok(Some(path(name)));
    }
    let ids = ids(folder, extension);
    if name == "latest" {
        return Ok(ids.last().map(|id| path(id)));
    }
    match ids.iter().filter(|id| id.starts_with(name)).collect::<Vec<_>>().as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(path(one))),
        several => Err(StoreError::Ambiguous(name.into(), several.iter().map(|id| (*id).clone()).collect())),
    }
}
