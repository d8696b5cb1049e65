//! The models that open policies name, each read again only when one of its files has changed.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use freeze_dsl::model::Model;

use crate::file_stamp::FileStamp;

/// The models that were read, by their paths.
#[derive(Default)]
pub(super) struct Models {
    read: HashMap<PathBuf, ReadModel>,
}

struct ReadModel {
    stamps: Vec<FileStamp>,
    model: Result<Arc<Model>, String>,
}

impl Models {
    /// The model of a path, or why it cannot be read.
    pub(super) fn get(&mut self, path: &Path) -> Result<Arc<Model>, String> {
        let stamps = stamps(path);
        if let Some(known) = self.read.get(path)
            && known.stamps == stamps
        {
            return known.model.clone();
        }
        let model = Model::load(path).map(Arc::new);
        let model = model.map_err(|error| format!("cannot read the model: {error}"));
        self.read.insert(path.to_owned(), ReadModel { stamps, model: model.clone() });
        model
    }

    /// Forgets the models that no open policy names.
    pub(super) fn keep(&mut self, is_open: impl Fn(&Path) -> bool) {
        self.read.retain(|path, _| is_open(path));
    }
}

fn stamps(path: &Path) -> Vec<FileStamp> {
    let files = Model::files(path).unwrap_or_else(|_| vec![path.to_owned()]);
    files.iter().map(|file| FileStamp::of(file)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_read_again_when_its_file_has_changed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("net.model.json");
        let mut models = Models::default();
        assert!(models.get(&path).is_err());

        std::fs::write(&path, r#"{"format":1,"tensors":[]}"#).unwrap();
        let first = models.get(&path).unwrap();
        assert!(Arc::ptr_eq(&first, &models.get(&path).unwrap()));

        let tensor = r#"{"name":"a","shape":[1],"dtype":"f32","role":"parameter"}"#;
        std::fs::write(&path, format!(r#"{{"format":1,"tensors":[{tensor}]}}"#)).unwrap();
        assert_eq!(models.get(&path).unwrap().tensors().len(), 1);
    }
}
