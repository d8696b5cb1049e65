//! A model's modules as a tree, in which modules that are numbered and alike are one.

use std::collections::HashMap;

use freeze_dsl::model::{Model, Parameter, Role, Tensor};
use serde::Serialize;

/// A model's modules and tensors as a tree.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct ModelTree {
    /// The version of this format.
    #[schemars(extend("const" = 1))]
    format: u32,
    /// How many numbers the parameters have, tied ones once.
    pub(super) numbers: usize,
    /// How many parameters there are, tied ones once.
    pub(super) parameters: usize,
    /// How many buffers there are.
    pub(super) buffers: usize,
    /// The outermost modules and tensors.
    pub(super) modules: Vec<Node>,
}

/// A module with what it has, or a tensor that lies beside modules.
#[derive(Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[schemars(rename = "ModelNode")]
pub(super) struct Node {
    /// Its path in the module around it; of modules that are alike, that of the first.
    pub(super) name: String,
    /// The number of the last of the modules that are alike.
    pub(super) last: Option<usize>,
    /// How many modules are alike.
    pub(super) repeats: usize,
    /// How many numbers the parameters in it have, in all modules that are alike.
    pub(super) numbers: usize,
    /// Its own tensors.
    pub(super) tensors: Vec<TensorRow>,
    /// The modules in it.
    pub(super) modules: Vec<Node>,
    /// How many tensors are in modules that are not shown.
    pub(super) hidden: usize,
}

/// A tensor of a module.
#[derive(Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[schemars(rename = "ModelTensor")]
pub(super) struct TensorRow {
    /// Its name in the module.
    pub(super) name: String,
    /// Its dimensions.
    pub(super) shape: Vec<usize>,
    /// The type of its elements.
    pub(super) dtype: String,
    /// Whether it is a parameter or a buffer.
    role: Role,
    /// The first name of a tied parameter.
    pub(super) same_as: Option<String>,
}

impl TensorRow {
    fn new(tensor: &Tensor, name: &str) -> Self {
        Self {
            name: name.to_owned(),
            shape: tensor.shape.clone(),
            dtype: tensor.dtype.clone(),
            role: tensor.role,
            same_as: tensor.same_as.clone(),
        }
    }

    pub(super) fn is_buffer(&self) -> bool {
        self.role == Role::Buffer
    }

    /// How many numbers it adds to the model's parameters.
    fn numbers(&self) -> usize {
        if self.is_buffer() || self.same_as.is_some() {
            return 0;
        }
        self.shape.iter().fold(1, |product, size| product.saturating_mul(*size))
    }

    /// Whether it is the same tensor of another module.
    fn is_alike(&self, other: &Self) -> bool {
        // The first names of tied tensors differ from module to module.
        let tied = (self.same_as.is_some(), other.same_as.is_some());
        (&self.name, &self.shape, &self.dtype, self.role, tied.0)
            == (&other.name, &other.shape, &other.dtype, other.role, tied.1)
    }
}

impl ModelTree {
    /// The tree of a model, down to `depth` levels.
    pub(crate) fn new(model: &Model, depth: Option<usize>) -> Self {
        let mut root = Branch::default();
        for tensor in model.tensors() {
            root.add(tensor, &tensor.name);
        }
        let mut modules = root.into_node(String::new()).modules;
        modules.iter_mut().for_each(Node::join_only_child);
        cut(&mut modules, depth.unwrap_or(usize::MAX), 1);
        let is_buffer = |tensor: &&Tensor| tensor.role == Role::Buffer;
        Self {
            format: 1,
            numbers: model.parameters().iter().map(Parameter::elements).sum(),
            parameters: model.parameters().len(),
            buffers: model.tensors().iter().filter(is_buffer).count(),
            modules,
        }
    }
}

impl Node {
    /// `layer.0 … 11`
    pub(super) fn title(&self) -> String {
        match self.last {
            Some(last) => format!("{} … {last}", self.name),
            None => self.name.clone(),
        }
    }

    /// Whether anything in it counts.
    pub(super) fn is_counted(&self) -> bool {
        self.numbers > 0
    }

    fn of_tensor(row: TensorRow) -> Self {
        Self {
            name: row.name.clone(),
            last: None,
            repeats: 1,
            numbers: row.numbers(),
            tensors: vec![row],
            modules: Vec::new(),
            hidden: 0,
        }
    }

    /// How many tensors are in it.
    fn count(&self) -> usize {
        let below = self.modules.iter().map(Self::count).sum::<usize>();
        (self.tensors.len() + below) * self.repeats
    }

    /// Whether it is the same module but for its number.
    fn is_alike(&self, other: &Self) -> bool {
        let same = |one: &[TensorRow], other: &[TensorRow]| {
            one.len() == other.len()
                && one.iter().zip(other).all(|(one, other)| one.is_alike(other))
        };
        let below = || self.modules.iter().zip(&other.modules);
        same(&self.tensors, &other.tensors)
            && self.modules.len() == other.modules.len()
            && below().all(|(one, other)| {
                (&one.name, one.last) == (&other.name, other.last) && one.is_alike(other)
            })
    }

    /// Makes a module that has nothing but one module one row with it: `encoder.layer`.
    fn join_only_child(&mut self) {
        while self.repeats == 1
            && self.tensors.is_empty()
            && self.modules.len() == 1
            && let Some(only) = self.modules.pop()
        {
            *self = Self { name: format!("{}.{}", self.name, only.name), ..only };
        }
        self.modules.iter_mut().for_each(Self::join_only_child);
    }

    /// Counts everything in it for all modules that are alike.
    fn multiply(&mut self, times: usize) {
        self.numbers *= times;
        self.modules.iter_mut().for_each(|module| module.multiply(times));
    }
}

/// A module while tensors are added.
#[derive(Default)]
struct Branch {
    tensors: Vec<TensorRow>,
    /// The modules in it, in the order of their first tensors.
    modules: Vec<(String, Branch)>,
    places: HashMap<String, usize>,
}

impl Branch {
    fn add(&mut self, tensor: &Tensor, rest: &str) {
        let Some((segment, below)) = rest.split_once('.') else {
            self.tensors.push(TensorRow::new(tensor, rest));
            return;
        };
        let next = self.modules.len();
        let place = *self.places.entry(segment.to_owned()).or_insert(next);
        if place == next {
            self.modules.push((segment.to_owned(), Self::default()));
        }
        if let Some((_, module)) = self.modules.get_mut(place) {
            module.add(tensor, below);
        }
    }

    fn into_node(self, name: String) -> Node {
        let Self { mut tensors, mut modules, .. } = self;
        let number = |name: &str| name.parse::<usize>().ok();
        // A file that is sorted by name has 10 before 2.
        if modules.iter().all(|(name, _)| number(name).is_some()) {
            modules.sort_by_key(|(name, _)| number(name));
        }
        let modules = modules.into_iter().map(|(name, module)| module.into_node(name)).collect();
        let mut modules = merged(modules);
        if !modules.is_empty() || name.is_empty() {
            // Beside modules, and at the root, tensors are rows like them.
            let rows: Vec<Node> = tensors.drain(..).map(Node::of_tensor).collect();
            modules.splice(0..0, rows);
        }
        let own = tensors.iter().map(TensorRow::numbers).sum::<usize>();
        let below = modules.iter().map(|module| module.numbers).sum::<usize>();
        Node { name, last: None, repeats: 1, numbers: own + below, tensors, modules, hidden: 0 }
    }
}

/// The modules, of which neighbours that are numbered and alike are one.
fn merged(modules: Vec<Node>) -> Vec<Node> {
    let mut merged: Vec<Node> = Vec::new();
    for module in modules {
        let number = module.name.parse::<usize>().ok();
        match (merged.last_mut(), number) {
            (Some(before), Some(number))
                if before.last.or(before.name.parse().ok()).is_some_and(|it| it + 1 == number)
                    && before.name.parse::<usize>().is_ok()
                    && before.is_alike(&module) =>
            {
                before.last = Some(number);
                before.repeats += 1;
            }
            _ => merged.push(module),
        }
    }
    for module in merged.iter_mut().filter(|module| module.repeats > 1) {
        module.multiply(module.repeats);
    }
    merged
}

/// Leaves out what is deeper than `depth` levels, in a module that is there `times` times.
fn cut(nodes: &mut [Node], depth: usize, times: usize) {
    for node in nodes {
        let times = times * node.repeats;
        if depth <= 1 {
            node.hidden += node.modules.iter().map(Node::count).sum::<usize>() * times;
            node.modules.clear();
        } else {
            cut(&mut node.modules, depth - 1, times);
        }
    }
}
