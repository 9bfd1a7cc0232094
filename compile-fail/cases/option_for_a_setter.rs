use fal_client::endpoints::fal_ai::flux::dev::redux::Input;

fn main() {
    let _input = Input::builder().seed(Some(1));
}
