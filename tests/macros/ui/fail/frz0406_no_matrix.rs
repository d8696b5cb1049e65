use freeze_runtime::freeze_policy;

fn main() {
    let _ = freeze_policy! {
        model "../files/resnet18.model.json";
        start: train fc lr 2e-2 optimizer muon;
    };
}
