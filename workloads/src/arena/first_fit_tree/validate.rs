//! The slow test of the tree: order, links, colours and the largest size below every node.

use super::{FreeTree, LEFT, NIL, RIGHT};
use perfbench_harness::{Broken, ensure};

impl FreeTree {
    pub(super) fn validate_tree(&self) -> Result<(), Broken> {
        let nil = self.knot(NIL);
        ensure!(nil.max == 0 && nil.red == 0 && nil.child == [NIL; 2], "the empty tree holds {nil:?}");
        ensure!(self.knot(self.root).red == 0, "the root is red");
        ensure!(self.root == NIL || self.knot(self.root).parent == NIL, "the root has a parent");
        self.black_height(self.root, NIL, self.region.len()).map(drop)
    }

    /// Black nodes on every path below `at`, whose addresses lie between `low` and `high`.
    fn black_height(&self, at: usize, low: usize, high: usize) -> Result<usize, Broken> {
        if at == NIL {
            return Ok(0);
        }
        let knot = self.knot(at);
        ensure!(low < at && at < high, "the block at {at} is not in address order");
        ensure!(
            knot.max == self.max_of(at),
            "the node at {at} promises {}, has {}",
            knot.max,
            self.max_of(at)
        );
        for child in knot.child.into_iter().filter(|child| *child != NIL) {
            ensure!(self.knot(child).parent == at, "the node at {child} has a wrong parent");
            ensure!(knot.red == 0 || self.knot(child).red == 0, "the red node at {at} has a red child");
        }
        let left = self.black_height(knot.child[LEFT], low, at)?;
        let right = self.black_height(knot.child[RIGHT], at, high)?;
        ensure!(left == right, "below {at} are {left} black nodes to the left and {right} to the right");
        Ok(left + 1 - knot.red)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{FreeBlocks, Region};
    use super::*;

    /// Thirty-one free blocks with live ones between.
    fn comb() -> FreeTree {
        let mut tree = FreeTree::over(Region::zeroed(48 * 64).expect("three kilobytes can be had"));
        let taken: Vec<usize> = (0..62).map(|_| tree.take(48, 16).expect("there is room")).collect();
        taken.iter().step_by(2).for_each(|at| tree.put(*at, 48).expect("the block is live"));
        tree
    }

    #[test]
    fn a_tree_of_free_blocks_is_balanced() {
        let tree = comb();
        assert_eq!(tree.validate_tree(), Ok(()));
        assert_eq!(tree.list().len(), 32);
    }

    #[test]
    fn every_broken_rule_is_told() {
        let told = |harm: fn(&mut FreeTree)| {
            let mut tree = comb();
            harm(&mut tree);
            tree.validate_tree().unwrap_err().0
        };
        let root_child = |tree: &FreeTree| tree.child(tree.root, LEFT);
        assert!(told(|tree| tree.knot_mut(tree.root).max += 48).contains("promises"));
        assert!(told(|tree| tree.knot_mut(tree.root).red = 1).contains("root is red"));
        assert!(told(|tree| tree.knot_mut(tree.root).child.swap(0, 1)).contains("address order"));
        assert!(told(|tree| tree.knot_mut(NIL).max = 1).contains("empty tree"));
        let mut tree = comb();
        let at = root_child(&tree);
        tree.knot_mut(at).parent = at;
        assert!(tree.validate_tree().unwrap_err().0.contains("wrong parent"));
        let mut tree = comb();
        tree.knot_mut(at).red ^= 1;
        assert!(tree.validate_tree().is_err());
    }
}
