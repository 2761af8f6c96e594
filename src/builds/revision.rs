//! Git: what a revision means, and its files in a work tree of perfbench's own. The user's tree and index stay untouched.

use super::cache::refused;
use super::tool;
use crate::error::Failure;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A repository, by the folder of its work tree.
#[derive(Debug, Clone)]
pub struct Repository {
    root: PathBuf,
}

/// One commit, as it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    /// What was typed: `main`.
    pub typed: String,
    /// The commit's full id.
    pub commit: String,
}

/// Digits of a commit that people read.
const SHORT: usize = 7;

impl Repository {
    /// The repository around a folder.
    ///
    /// # Errors
    /// Why git sees none there, in its words.
    pub fn around(folder: &Path) -> Result<Self, Failure> {
        let root = tool::ask(git(folder).args(["rev-parse", "--show-toplevel"]))?;
        Ok(Self { root: root.into() })
    }

    /// The folder of its work tree.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The commit that a text means, if it means one.
    pub fn revision(&self, text: &str) -> Option<Revision> {
        let text_of_commit = format!("{text}^{{commit}}");
        let asked = ["rev-parse", "--verify", "--quiet", "--end-of-options", &text_of_commit];
        let commit = tool::try_ask(git(&self.root).args(asked))?;
        Some(Revision { typed: text.into(), commit })
    }

    /// Whether history was cut off when it was cloned.
    pub fn is_shallow(&self) -> bool {
        let answer = tool::try_ask(git(&self.root).args(["rev-parse", "--is-shallow-repository"]));
        answer.as_deref() == Some("true")
    }

    /// What the work tree is: its commit, and whether anything in it changed since.
    pub fn state(&self) -> Option<String> {
        tool::try_ask(git(&self.root).args([
            "describe",
            "--always",
            "--abbrev=7",
            "--exclude=*",
            "--dirty= with changes",
        ]))
    }

    /// Makes `tree` hold the files of a commit. Only what differs from the commit before is written, so that cargo
    /// compiles no more than that.
    ///
    /// # Errors
    /// What git says, or a disk that refused.
    pub fn check_out(&self, commit: &str, tree: &Path) -> Result<(), Failure> {
        if tool::try_ask(git(tree).args(["rev-parse", "--git-dir"])).is_none() || !tree.join(".git").exists()
        {
            if tree.exists() {
                fs::remove_dir_all(tree).map_err(|error| refused(tree, &error))?;
            }
            tool::run(git(&self.root).args(["worktree", "prune"]))?;
            tool::run(
                git(&self.root).args(["worktree", "add", "--force", "--detach"]).arg(tree).arg(commit),
            )?;
        }
        tool::run(git(tree).args(["checkout", "--quiet", "--force", "--detach", commit]))?;
        tool::run(git(tree).args(["clean", "-ffdxq"]))?;
        if tree.join(".gitmodules").is_file() {
            tool::run(git(tree).args([
                "submodule",
                "update",
                "--quiet",
                "--init",
                "--recursive",
                "--force",
            ]))?;
        }
        Ok(())
    }
}

impl Revision {
    /// What people call it: `main @ 1a2b3c4`, or the commit alone where that was typed.
    pub fn name(&self) -> String {
        let short = &self.commit[..SHORT.min(self.commit.len())];
        match self.commit.starts_with(&self.typed) {
            true => short.into(),
            false => format!("{} @ {short}", self.typed),
        }
    }
}

/// Git in a folder, whatever repository a hook that calls us speaks of.
fn git(folder: &Path) -> Command {
    let mut command = Command::new("git");
    command.arg("-C").arg(folder).env("LC_ALL", "C");
    for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"] {
        command.env_remove(name);
    }
    command
}
