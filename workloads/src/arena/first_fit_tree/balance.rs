//! Insertion and removal that keep the tree red-black (Cormen et al., chapter 13), with the largest size below every
//! node kept right through each rotation.

use super::{FreeTree, Knot, LEFT, NIL, RIGHT};

impl FreeTree {
    /// Hangs a new block under `parent`, where its address belongs.
    pub(super) fn insert(&mut self, at: usize, size: usize, parent: usize) {
        *self.knot_mut(at) = Knot { size, parent, child: [NIL; 2], max: size, red: 1 };
        match parent {
            NIL => self.root = at,
            _ => self.knot_mut(parent).child[usize::from(at > parent)] = at,
        }
        self.count += 1;
        self.refresh(parent);
        self.balance_inserted(at);
    }

    /// Takes a block out. A block with two children gives its place and colour to the next in address order.
    pub(super) fn remove(&mut self, at: usize) {
        let knot = *self.knot(at);
        self.count -= 1;
        if knot.child.contains(&NIL) {
            let only = knot.child[usize::from(knot.child[LEFT] == NIL)];
            self.transplant(at, only);
            self.refresh(knot.parent);
            return self.balance_removed(only, knot.red);
        }
        let heir = self.leftmost(knot.child[RIGHT]);
        let Knot { parent, child: [_, orphan], red, .. } = *self.knot(heir);
        let mut lowest = heir;
        if parent == at {
            self.knot_mut(orphan).parent = heir;
        } else {
            lowest = parent;
            self.transplant(heir, orphan);
            self.adopt(heir, RIGHT, knot.child[RIGHT]);
        }
        self.transplant(at, heir);
        self.adopt(heir, LEFT, knot.child[LEFT]);
        self.inherit(heir, knot);
        self.refresh(lowest);
        self.refresh(heir);
        self.balance_removed(orphan, red);
    }

    /// The heir stands for the subtree that it now heads, sizes included; `refresh` then sees what changed.
    fn inherit(&mut self, heir: usize, from: Knot) {
        let knot = self.knot_mut(heir);
        knot.red = from.red;
        knot.max = from.max;
    }

    fn leftmost(&self, mut at: usize) -> usize {
        while self.child(at, LEFT) != NIL {
            at = self.child(at, LEFT);
        }
        at
    }

    fn adopt(&mut self, parent: usize, side: usize, child: usize) {
        self.knot_mut(parent).child[side] = child;
        self.knot_mut(child).parent = parent;
    }

    /// Puts `to` where `from` hangs. `NIL` learns its parent too: `balance_removed` starts from there.
    fn transplant(&mut self, from: usize, to: usize) {
        let parent = self.knot(from).parent;
        self.replace_child(parent, from, to);
        self.knot_mut(to).parent = parent;
    }

    /// Moves `at` down to `side`; its child on the other side takes its place.
    fn rotate(&mut self, at: usize, side: usize) {
        let riser = self.child(at, 1 - side);
        let inner = self.child(riser, side);
        self.knot_mut(at).child[1 - side] = inner;
        if inner != NIL {
            self.knot_mut(inner).parent = at;
        }
        self.transplant(at, riser);
        self.adopt(riser, side, at);
        self.knot_mut(riser).max = self.knot(at).max;
        self.knot_mut(at).max = self.max_of(at);
    }

    fn is_red(&self, at: usize) -> bool {
        self.knot(at).red == 1
    }

    fn paint(&mut self, at: usize, red: usize) {
        self.knot_mut(at).red = red;
    }

    fn side_of(&self, at: usize) -> usize {
        usize::from(self.child(self.knot(at).parent, LEFT) != at)
    }

    /// A red node under a red parent moves up or is rotated away.
    fn balance_inserted(&mut self, mut at: usize) {
        while self.is_red(self.knot(at).parent) {
            let mut parent = self.knot(at).parent;
            let grandparent = self.knot(parent).parent;
            let side = self.side_of(parent);
            let uncle = self.child(grandparent, 1 - side);
            if self.is_red(uncle) {
                self.paint(parent, 0);
                self.paint(uncle, 0);
                self.paint(grandparent, 1);
                at = grandparent;
                continue;
            }
            if self.side_of(at) != side {
                self.rotate(parent, side);
                (at, parent) = (parent, at);
            }
            self.paint(parent, 0);
            self.paint(grandparent, 1);
            self.rotate(grandparent, 1 - side);
        }
        self.paint(self.root, 0);
    }

    /// Where a black node was taken from above `at`, its paths lack one: a red node near by is painted or rotated in.
    fn balance_removed(&mut self, mut at: usize, taken_red: usize) {
        if taken_red == 1 {
            return;
        }
        while at != self.root && !self.is_red(at) {
            at = self.lend_black(at);
        }
        self.paint(at, 0);
    }

    /// One step of `balance_removed`: the node at which black is still missing, or the root where none is.
    fn lend_black(&mut self, at: usize) -> usize {
        let (parent, side) = (self.knot(at).parent, self.side_of(at));
        let mut sibling = self.child(parent, 1 - side);
        if self.is_red(sibling) {
            self.paint(sibling, 0);
            self.paint(parent, 1);
            self.rotate(parent, side);
            sibling = self.child(parent, 1 - side);
        }
        let [near, far] = [self.child(sibling, side), self.child(sibling, 1 - side)];
        if !self.is_red(near) && !self.is_red(far) {
            self.paint(sibling, 1);
            return parent;
        }
        if !self.is_red(far) {
            self.paint(near, 0);
            self.paint(sibling, 1);
            self.rotate(sibling, 1 - side);
            sibling = near;
        }
        self.paint(sibling, self.knot(parent).red);
        self.paint(parent, 0);
        self.paint(self.child(sibling, 1 - side), 0);
        self.rotate(parent, side);
        self.root
    }
}
