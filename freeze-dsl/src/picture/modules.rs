//! The modules of a model as a tree.

use std::collections::HashMap;

use crate::index::{AtomId, ModuleId};

/// A module, or a parameter, which has no modules in it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct ModuleNode {
    /// Its name in the module around it; of several segments where each but the last has one child.
    pub(super) name: String,
    pub(super) children: Vec<ModuleId>,
    /// The atoms of a parameter, with how many of its numbers are of each.
    pub(super) atoms: Vec<(AtomId, usize)>,
}

/// The modules, each after the one around it, the whole model first.
#[derive(Debug, Clone)]
pub(super) struct ModuleTree {
    pub(super) nodes: Vec<ModuleNode>,
}

pub(super) const MODEL: ModuleId = ModuleId::new(0);

impl ModuleTree {
    /// The tree of parameters, each with its name and its atoms.
    pub(super) fn new<'p>(
        parameters: impl Iterator<Item = (&'p str, Vec<(AtomId, usize)>)>,
    ) -> Self {
        let mut tree = Self { nodes: vec![ModuleNode::default()] };
        let mut known: HashMap<(ModuleId, &str), ModuleId> = HashMap::new();
        for (name, atoms) in parameters {
            let mut at = MODEL;
            for segment in name.split('.') {
                at = *known.entry((at, segment)).or_insert_with(|| tree.add(at, segment));
            }
            if let Some(node) = tree.nodes.get_mut(at.index()) {
                node.atoms.extend(atoms);
            }
        }
        tree.join_chains();
        tree
    }

    pub(super) fn get(&self, module: ModuleId) -> Option<&ModuleNode> {
        self.nodes.get(module.index())
    }

    fn add(&mut self, around: ModuleId, name: &str) -> ModuleId {
        let id = ModuleId::new(self.nodes.len());
        if let Some(node) = self.nodes.get_mut(around.index()) {
            node.children.push(id);
        }
        self.nodes.push(ModuleNode { name: name.to_owned(), ..ModuleNode::default() });
        id
    }

    /// Joins a module that has nothing but one module or one parameter in it with that one. It keeps
    /// its own name where that is a parameter.
    fn join_chains(&mut self) {
        for index in (1..self.nodes.len()).rev() {
            let Some(node) = self.nodes.get(index).filter(|node| node.atoms.is_empty()) else {
                continue;
            };
            let [only] = *node.children.as_slice() else { continue };
            let Some(inner) = self.nodes.get_mut(only.index()).map(std::mem::take) else {
                continue;
            };
            if let Some(node) = self.nodes.get_mut(index) {
                if !inner.children.is_empty() {
                    node.name = format!("{}.{}", node.name, inner.name);
                }
                node.children = inner.children;
                node.atoms = inner.atoms;
            }
        }
    }
}
