use freeze_runtime::freeze_policy;

fn main() {
    let _ = freeze_policy! {
        default optimizer adamv;
        start: train fc optimizer sgd(momentun 0.9);
    };
}
