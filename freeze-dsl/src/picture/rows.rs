//! The rows of a picture: modules, or several that behave alike.

use std::collections::{BTreeMap, HashMap};

use super::modules::{MODEL, ModuleTree};
use crate::index::{AtomId, ModuleId};

/// A row: a module, or neighbouring modules that behave alike.
#[derive(Debug, Clone, PartialEq)]
pub struct ModuleRow {
    /// The name in the row around it: `layer4`, `0 … 11`.
    pub name: String,
    /// How many rows are around it.
    pub depth: usize,
    /// How many numbers its parameters have.
    pub elements: usize,
    /// The atoms of its parameters, with how many of the numbers are of each.
    pub atoms: Vec<(AtomId, usize)>,
    /// The rows in it, as indices of all rows.
    pub children: Vec<usize>,
    /// Whether its children are shown in place of it.
    pub is_open: bool,
}

/// All rows, and which of them are the outermost.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RowTree {
    /// The rows, in no order.
    pub rows: Vec<ModuleRow>,
    /// The outermost rows.
    pub outermost: Vec<usize>,
}

/// How many rows there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowLimits {
    /// How many rows may be shown at first.
    pub shown: usize,
    /// How many rows there may be, shown or not.
    pub all: usize,
}

impl RowTree {
    /// The rows that are shown, from the top down, open ones included as heads of their children.
    #[must_use]
    pub fn shown(&self) -> Vec<&ModuleRow> {
        let mut shown = Vec::new();
        let mut stack: Vec<usize> = self.outermost.iter().rev().copied().collect();
        while let Some(row) = stack.pop().and_then(|row| self.rows.get(row)) {
            shown.push(row);
            if row.is_open {
                stack.extend(row.children.iter().rev());
            }
        }
        shown
    }
}

/// So many rows, at most, are made of neighbours that are too many to be shown.
const CHUNKS: usize = 24;

/// What modules that are alike have in common: the classes of their own atoms, and the names and looks
/// of what is in them.
type ModuleLook<'t> = (Vec<usize>, Vec<(&'t str, usize)>);

/// The modules of a row: for each of some places in the model that are alike, the same neighbours.
type RowModules = Vec<Vec<ModuleId>>;

/// Builds rows from modules.
pub(super) struct RowTreeBuilder<'t> {
    tree: &'t ModuleTree,
    /// What a module looks like: equal for modules that are alike in all of their parts.
    looks: Vec<usize>,
    /// The class of all atoms in a module, if they are of one.
    classes: Vec<Option<usize>>,
    /// Whether neighbours of any name are joined, not only numbered ones.
    joins_all: bool,
    /// How many rows may be in one.
    most: usize,
    built: RowTree,
    modules: Vec<RowModules>,
}

impl<'t> RowTreeBuilder<'t> {
    /// Builds rows of which those are open whose parts differ, level by level, while there is room.
    /// `class_of` is equal for atoms that look alike.
    pub(super) fn build(
        tree: &'t ModuleTree,
        class_of: &dyn Fn(AtomId) -> usize,
        limits: RowLimits,
    ) -> RowTree {
        let mut builder = Self::new(tree, class_of, limits, false);
        if !builder.open(limits) {
            builder = Self::new(tree, class_of, limits, true);
            builder.open(limits);
        }
        builder.unfold(limits.all);
        builder.built
    }

    fn new(
        tree: &'t ModuleTree,
        class_of: &dyn Fn(AtomId) -> usize,
        limits: RowLimits,
        joins_all: bool,
    ) -> Self {
        let mut builder = Self {
            tree,
            looks: vec![0; tree.nodes.len()],
            classes: vec![None; tree.nodes.len()],
            joins_all,
            most: limits.shown,
            built: RowTree::default(),
            modules: Vec::new(),
        };
        builder.look(class_of);
        builder.built.outermost = builder.children_of(&vec![vec![MODEL]], 0);
        builder
    }

    /// Compares all modules, the innermost first.
    fn look(&mut self, class_of: &dyn Fn(AtomId) -> usize) {
        let mut known: HashMap<ModuleLook<'_>, usize> = HashMap::new();
        for (index, node) in self.tree.nodes.iter().enumerate().rev() {
            let mut own: Vec<usize> = node.atoms.iter().map(|(atom, _)| class_of(*atom)).collect();
            own.dedup();
            let children: Vec<(&str, usize)> = node
                .children
                .iter()
                .filter_map(|child| {
                    let name = self.tree.get(*child)?.name.as_str();
                    Some((name, *self.looks.get(child.index())?))
                })
                .collect();
            let mut classes: Vec<Option<usize>> = own.iter().copied().map(Some).collect();
            classes.extend(node.children.iter().filter_map(|it| self.classes.get(it.index())));
            classes.dedup();
            if let ([class], Some(of)) = (classes.as_slice(), self.classes.get_mut(index)) {
                *of = *class;
            }
            let next = known.len();
            let look = *known.entry((own, children)).or_insert(next);
            if let Some(of) = self.looks.get_mut(index) {
                *of = look;
            }
        }
    }

    fn look_of(&self, module: ModuleId) -> Option<usize> {
        self.looks.get(module.index()).copied()
    }

    /// Whether all parts of a row look alike.
    fn is_uniform(&self, row: usize) -> bool {
        let first = self.modules.get(row).and_then(|modules| modules.first()?.first());
        first.is_none_or(|module| self.classes.get(module.index()).copied().flatten().is_some())
    }

    /// Opens the rows whose parts differ; returns whether there was room for all of them.
    fn open(&mut self, limits: RowLimits) -> bool {
        let mut level = self.built.outermost.clone();
        let mut shown = level.len();
        loop {
            let is_mixed = |row: &usize| !self.is_uniform(*row);
            let mixed: Vec<usize> = level.into_iter().filter(is_mixed).collect();
            let mut next = Vec::new();
            for row in &mixed {
                next.extend(self.children(*row));
            }
            shown += next.len();
            if next.is_empty() {
                return true;
            }
            if shown > limits.shown {
                return false;
            }
            for row in mixed {
                if let Some(row) = self.built.rows.get_mut(row) {
                    row.is_open = !row.children.is_empty();
                }
            }
            level = next;
        }
    }

    /// Makes the rows in all rows, level by level, while there is room.
    fn unfold(&mut self, most: usize) {
        let mut row = 0;
        while row < self.built.rows.len() {
            let is_open = self.built.rows.get(row).is_some_and(|row| row.is_open);
            if is_open || self.built.rows.len() < most {
                self.children(row);
            }
            row += 1;
        }
    }

    /// The rows in a row, made if they are not.
    fn children(&mut self, row: usize) -> Vec<usize> {
        let Some(of) = self.built.rows.get(row) else { return Vec::new() };
        if !of.children.is_empty() {
            return of.children.clone();
        }
        let depth = of.depth + 1;
        let Some(modules) = self.modules.get(row).cloned() else { return Vec::new() };
        let neighbours = modules.first().map_or(0, Vec::len);
        let children = if neighbours > 1 && self.is_uniform(row) {
            let alone = (0..neighbours).map(|at| {
                let one = modules.iter().filter_map(|run| Some(vec![*run.get(at)?]));
                one.collect::<RowModules>()
            });
            let alone: Vec<RowModules> = alone.collect();
            alone.into_iter().map(|modules| self.add(modules, depth)).collect()
        } else {
            // Neighbours that are alike have one set of parts.
            let each: RowModules = modules.into_iter().flatten().map(|one| vec![one]).collect();
            self.children_of(&each, depth)
        };
        if let Some(of) = self.built.rows.get_mut(row) {
            of.children.clone_from(&children);
        }
        children
    }

    /// Makes the rows in modules that are alike.
    fn children_of(&mut self, modules: &RowModules, depth: usize) -> Vec<usize> {
        let all: Vec<&[ModuleId]> = modules
            .iter()
            .filter_map(|run| Some(self.tree.get(*run.first()?)?.children.as_slice()))
            .collect();
        let Some(first) = all.first().copied() else { return Vec::new() };
        let mut children = Vec::new();
        let mut start = 0;
        while start < first.len() {
            let run = self.run(first.get(start..).unwrap_or_default());
            let modules = all.iter().filter_map(|it| Some(it.get(start..start + run)?.to_vec()));
            let modules = modules.collect();
            children.push(self.add(modules, depth));
            start += run;
        }
        self.chunked(children, depth)
    }

    /// Puts neighbours together, alike or not, where there are more than can be shown.
    fn chunked(&mut self, children: Vec<usize>, depth: usize) -> Vec<usize> {
        if children.len() <= self.most {
            return children;
        }
        let size = children.len().div_ceil(CHUNKS.min(self.most.max(1)));
        let chunk = |chunk: &[usize]| {
            let rows = chunk.iter().filter_map(|row| self.built.rows.get(*row));
            let mut atoms: BTreeMap<AtomId, usize> = BTreeMap::new();
            for (atom, elements) in rows.clone().flat_map(|row| &row.atoms) {
                *atoms.entry(*atom).or_default() += elements;
            }
            let names: Vec<&str> = rows.map(|row| row.name.as_str()).collect();
            ModuleRow {
                name: joined(&names),
                depth,
                elements: atoms.values().sum(),
                atoms: atoms.into_iter().collect(),
                children: chunk.to_vec(),
                is_open: false,
            }
        };
        let chunks: Vec<ModuleRow> = children.chunks(size).map(chunk).collect();
        for row in children {
            if let Some(row) = self.built.rows.get_mut(row) {
                row.depth += 1;
            }
        }
        let first = self.built.rows.len();
        self.modules.extend(chunks.iter().map(|_| RowModules::new()));
        self.built.rows.extend(chunks);
        (first..self.built.rows.len()).collect()
    }

    /// How many of these siblings, from the first, are one row.
    fn run(&self, siblings: &[ModuleId]) -> usize {
        let Some(first) = siblings.first() else { return 0 };
        let is_numbered = |module: &ModuleId| {
            self.tree.get(*module).is_some_and(|it| it.name.parse::<u64>().is_ok())
        };
        let look = self.look_of(*first);
        let alike = siblings.iter().take_while(|it| self.look_of(**it) == look);
        if self.joins_all {
            return alike.count();
        }
        let run = alike.take_while(|it| is_numbered(it)).count();
        if run > 2 { run } else { 1 }
    }

    fn add(&mut self, modules: RowModules, depth: usize) -> usize {
        let mut atoms: BTreeMap<AtomId, usize> = BTreeMap::new();
        let mut stack: Vec<ModuleId> = modules.iter().flatten().copied().collect();
        while let Some(node) = stack.pop().and_then(|module| self.tree.get(module)) {
            for (atom, elements) in &node.atoms {
                *atoms.entry(*atom).or_default() += elements;
            }
            stack.extend(&node.children);
        }
        let names: Vec<&str> = modules
            .first()
            .into_iter()
            .flatten()
            .filter_map(|module| Some(self.tree.get(*module)?.name.as_str()))
            .collect();
        self.built.rows.push(ModuleRow {
            name: joined(&names),
            depth,
            elements: atoms.values().sum(),
            atoms: atoms.into_iter().collect(),
            children: Vec::new(),
            is_open: false,
        });
        self.modules.push(modules);
        self.built.rows.len() - 1
    }
}

/// One name for neighbours.
fn joined(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [one, other] => format!("{one}, {other}"),
        [first, .., last] if first.parse::<u64>().is_ok() => format!("{first} … {last}"),
        [first, .., last] => format!("{first} … {last} ({})", names.len()),
    }
}
